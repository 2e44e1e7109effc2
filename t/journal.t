# The journal and what is made of it: what survives which death, and what the files hold.

use strict;
use warnings;
use Test::More;
use Herald;
use JSON::PP;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML', allow => qr/exited on signal 9/);
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location ~ ^/s/(.+)$ { herald_subscribe job:$1; herald_keepalive 200ms; }
        location ~ ^/all/(.+)$ { herald_subscribe job:$1; herald_start all; }
        location = /health { herald_health; }
        location = /status { herald_status; }
    }
}
CONF
%%SIDECAR%%
[journal]
segment = "64K"
[[feed]]
name = "job"
channels = "job:{id}"
event = "type"
end_on = ["done"]
dedupe = "event_id"
jsonl = "runs/{id}/events.jsonl"
TOML

sub publish { $h->redis_publish("job:$_[0]", $_[1]) }
sub segments { sort glob $h->path('state/journal/*.jsonl') }
sub journal { map { decode_json($_) } map { split /\n/, Herald::Process::slurp($_) } segments() }
sub status { decode_json($h->http(GET => '/status')->{body})->{sidecar} }
sub redis_gap { my ($event) = @_; return ($event->{event} // '') eq 'gap' && $event->{data} =~ /"reason":"redis"/ }

# -- what a line is
my $live = $h->sse('/s/a');
$live->next_block;
publish(a => '{"type":"step","text":"µ \"q\"","n":1.50}');
publish(a => '[1, 2]');
publish('weird"\\', '{"type":"done","n":2}');
my ($first) = $live->events(2);
my ($log) = $first->{id} =~ /^([0-9a-f]{8})-/;
my @lines = @{ $h->wait_for(sub { my @l = split /\n/, Herald::Process::slurp((segments())[0]); @l == 3 && \@l }, 'three lines') };
like $lines[0],
    qr/^\{"id":"$log-1","at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","channel":"job:a","event":"step","data":\{"type":"step","text":"µ \\"q\\"","n":1\.50\}\}$/,
    'a line: id, time, channel, event, and the data byte for byte';
like $lines[1], qr/,"channel":"job:a","data":\[1, 2\]\}$/, 'without a name: no event member';
like $lines[2], qr/"channel":"job:weird\\"\\\\","event":"done","end":true,"data"/, 'a channel is a JSON string; the end is marked';
is((segments())[0], $h->path("state/journal/$log-00000000000000000001.jsonl"), 'in a segment named by its first id');

# -- per-channel files
my $file = 'state/runs/a/events.jsonl';
$h->wait_for(sub { -e $h->path($file) && $h->read_file($file) =~ /\[1, 2\]\n\z/ }, 'the file of channel a');
is $h->read_file($file), qq({"type":"step","text":"µ \\"q\\"","n":1.50}\n[1, 2]\n), 'a file per channel: the objects, one a line';
my ($odd) = grep { !m{/runs/a/} } glob $h->path('state/runs/*/events.jsonl');
$h->wait_for(sub { ($odd) = grep { !m{/runs/a/} } glob $h->path('state/runs/*/events.jsonl') }, 'the other file');
unlike $odd, qr/["\\]/, 'a name with odd bytes is made safe';

# -- dedupe
publish(a => '{"event_id":"e1","type":"step"}') for 1 .. 3;
publish(b => '{"event_id":"e1","type":"step"}');
publish(a => '{"event_id":"e2","type":"step"}');
like $_->{data}, qr/"e[12]"/ for $live->events(2);
is status()->{duplicates}, 2, 'repeats are dropped and counted, by channel';

# -- kill -9, restart
$h->kill_sidecar(9);
$h->start_sidecar;
publish(a => '{"event_id":"e2","type":"step","again":1}');
publish(a => '{"event_id":"e3","type":"step"}');
my @after = $live->events(2);
ok redis_gap($after[0]), 'who is connected is told that the sidecar was away';
like $after[1]{data}, qr/"e3"/, 'and gets what comes, once; repeats from before are known';
like $after[1]{id}, qr/^$log-(\d+)$/, 'the log goes on';
my @seqs = map { $_->{id} =~ /-(\d+)$/ } journal();
is_deeply \@seqs, [1 .. @seqs], 'the journal has every id once, in order';
my @all = grep { !redis_gap($_) } $h->sse('/all/a')->events(6);
is scalar @all, 5, 'a new client gets the whole past: the ring was filled from the journal';
is_deeply [map { $_->{data} } @all], [map { $_->{data} } ($first, { data => '[1, 2]' })[0, 1], @all[2 .. 4]], 'in order';

# -- rotation
publish(r => sprintf '{"n":%d,"fill":"%s"}', $_, 'f' x 1000) for 1 .. 300;
sub past { my ($sse, $count) = @_; my @events; while (@events < $count) { my $e = $sse->next_event // last; push @events, $e unless redis_gap($e) } return @events }
sub numbers { join ' ', map { $_->{data} =~ /"n":(\d+)/ ? $1 : $_->{data} } @_ }
is numbers(past($h->sse('/all/r'), 300)), "@{[1 .. 300]}", 'three hundred more';
my @segments = segments();
cmp_ok scalar @segments, '>', 1, 'the journal has begun new segments';

# -- a torn line
$h->kill_sidecar(9);
my $newest = (segments())[-1];
my $whole = Herald::Process::slurp($newest);
open my $out, '>>', $newest or die $!;
print $out '{"id":"torn';
close $out;
$h->start_sidecar;
like $h->sidecar_log, qr/torn|set aside/, 'a torn line is set aside, and said so';
ok $h->wait_for(sub { status()->{torn_lines} == 1 }, 'the count'), 'and counted';
my $kept = Herald::Process::slurp($newest);
is substr($kept, 0, length $whole), $whole, 'no complete line was touched';
unlike $kept, qr/torn/, 'and nothing comes behind the torn one';
like(Herald::Process::slurp($_), qr/^\{"id":"torn/, 'what was torn is kept') for glob $h->path('state/journal/*torn*');

# -- the index is deleted under way
my $index = $h->path('state/index.db');
unlink glob "$index*";
publish(a => '{"event_id":"e9","type":"step"}');
$h->wait_for(sub { -s $index }, 'the index to be built again');
is numbers(past($h->sse('/all/r'), 300)), "@{[1 .. 300]}", 'a deleted index is built again';
unlink glob "$index*";
$h->restart_sidecar;
is numbers(past($h->sse('/all/r'), 300)), "@{[1 .. 300]}", 'also when the sidecar was not there';

# -- the journal is gone: another log
my $id = $first->{id};
$h->stop_sidecar;
unlink segments();
$h->start_sidecar;
$h->wait_for(sub { $h->http(GET => '/health')->{status} == 200 }, 'health');
my $resumed = $h->sse('/s/a', headers => { 'Last-Event-ID' => $id });
like $resumed->next_event->{data}, qr/"type":"gap","reason":"evicted","from":"$id"/, 'a journal that is gone: a gap';
publish(a => '{"event_id":"e10"}');
my $event;
do { $event = $resumed->next_event } until $event->{data} =~ /e10/;
unlike $event->{id}, qr/^$log/, 'and another log';
cmp_ok +($event->{id} =~ /-(\d+)$/)[0], '>', 300, 'whose numbers go on';

$h->finish;
done_testing;

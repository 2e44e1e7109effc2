# A full disk: live delivery goes on, it is said that the journal fails, and once there is room it is caught up.

use strict;
use warnings;
use Test::More;
use Herald;
use File::Temp;
use JSON::PP;

my $mount = File::Temp->newdir('herald-full-XXXXXXXX', TMPDIR => 1);
plan skip_all => 'mounting a tmpfs needs root'
    unless system("mount -t tmpfs -o size=1m,mode=0755 none $mount 2>/dev/null") == 0;
END { local $?; system("umount -l $mount 2>/dev/null") if $mount }

my $h = Herald->new(conf => <<'CONF', toml => <<"TOML");
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /s { herald_subscribe x:1; }
        location = /other { herald_subscribe x:2; herald_start last; }
        location = /health { herald_health; }
        location = /status { herald_status; }
    }
}
CONF
[sidecar]
socket = "%%SOCKET%%"
state = "$mount/state"
[redis]
url = "%%REDIS%%"
[ring]
size = "512K"
[[feed]]
name = "x"
channels = "x:{id}"
jsonl = "x/{id}.jsonl"
TOML

my $n = 0;
sub publish { $h->redis_publish('x:1', sprintf '{"n":%d,"fill":"%s"}', ++$n, 'f' x 1000) }
sub status { decode_json($h->http(GET => '/status')->{body})->{sidecar} }
sub health { $h->http(GET => '/health') }
sub numbers { map { $_->{data} =~ /"n":(\d+)/ ? $1 : $_->{data} } @_ }

my $live = $h->sse('/s');
$live->next_block;
sub publish_and_read { map { publish(); $live->next_event } 1 .. $_[0] }    # one by one: none overtakes the worker
my @first = publish_and_read(100);
is_deeply [numbers(publish_and_read(1500))], [101 .. 1600], 'the disk is full: live events go on';
$h->wait_for(sub { health()->{status} == 503 }, 'health to say so');
like health()->{body}, qr/"journal":"failing"/, 'health says that the journal fails';
is status()->{journal}, 'failing', 'status, too';
cmp_ok status()->{journal_errors}, '>', 0, 'with the number of errors';
my ($durable) = status()->{journaled_id} =~ /-(\d+)$/;
cmp_ok $durable, '<', 1600, 'nothing is called durable that is not';
like $h->sidecar_log, qr/No space left/, 'and the log has the reason';

system("mount -o remount,size=64m $mount") == 0 or die;
$h->wait_for(sub { health()->{status} == 200 }, 'the journal to be caught up', 30);
is status()->{journal}, 'working', 'with room on the disk the journal is caught up by itself';
my ($last_id) = status()->{last_id};
is status()->{journaled_id}, $last_id, 'to the last event';
publish();
is_deeply [numbers($live->next_event)], [1601], 'live streams notice nothing';

# What the ring had lost by then is told as a gap.
my $lost = status()->{journal_lost};
cmp_ok $lost, '>', 0, 'some events were too many for the ring';
my $resumed = $h->sse('/s', headers => { 'Last-Event-ID' => $first[9]{id} });
my (@got, @gaps);
while (!@got || $got[-1] != 1601) {
    my $event = $resumed->next_event(30);
    if (($event->{event} // '') eq 'gap') { push @gaps, $event } else { push @got, numbers($event) }
}
is scalar @gaps, 1, 'a client that resumes is told of one gap';
my ($from, $to) = $gaps[0]{data} =~ /"from":"[0-9a-f]+-(\d+)","to":"[0-9a-f]+-(\d+)"/;
is $to - $from, $lost, 'exactly what is lost';
is_deeply \@got, [11 .. $from, $to + 1 .. 1601], 'and gets all else';

$h->restart_sidecar;
publish();
my $event;
do { $event = $live->next_event } until $event->{data} =~ /"n":1602\b/;
cmp_ok +($event->{id} =~ /-(\d+)$/)[0], '>', ($last_id =~ /-(\d+)$/)[0], 'numbers go on';
$h->wait_for(sub { Herald::Process::slurp("$mount/state/x/1.jsonl") =~ /"n":1602,/ }, 'the file');
my @in_file = Herald::Process::slurp("$mount/state/x/1.jsonl") =~ /"n":(\d+)/g;
is_deeply \@in_file, [1 .. $from, $to + 1 .. 1602], 'the file of the channel has what the journal has';

$h->finish;

done_testing;

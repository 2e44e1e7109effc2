# Much at once for many goes out as pages of a file in memory: everybody gets the same bytes as ever, whoever reads slowly too,
# and nothing of it stays behind.

use strict;
use warnings;
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
worker_processes 1;
events { worker_connections 512; }
http {
    %%TEMP_PATHS%%
    log_format sent '$uri $body_bytes_sent';
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=64k;
        location = /many { herald_subscribe x:1; herald_buffer 4m; access_log %%DIR%%/sent.log sent; }
        location = /bounded { herald_subscribe x:1; herald_buffer 128k trim; }
    }
}
CONF
%%SIDECAR%%
[[feed]]
name = "x"
channels = "x:{id}"
TOML

my ($worker) = $h->worker_pids;
sub files { return scalar grep { (readlink $_ // '') =~ /herald-segment/ } glob "/proc/$worker/fd/*" }

my @sse = map { $h->sse('/many') } 1 .. 40;
my @ws = map { $h->ws('/many') } 1 .. 40;
my @slow = map { $h->sse('/many', rcvbuf => 4096) } 1 .. 40;
my $trimmed = $h->sse('/bounded', rcvbuf => 4096);

# While the worker stands still, more comes than one segment takes.
my $fill = 'f' x 3000;
my $published = 0;
sub burst {
    my $count = shift;
    kill STOP => $worker;
    $h->redis_publish('x:1', '{"n":' . ++$published . qq(,"fill":"$fill"})) for 1 .. $count;
    kill CONT => $worker;
    return;
}
sub numbers { return map { $_ =~ /^\{"n":(\d+),"fill":"f{3000}"\}$/ ? $1 : "not whole: $_" } @_ }

sub texts {
    my ($stream, $count) = @_;
    return $stream->isa('Herald::WS') ? map { $stream->next_text } 1 .. $count : map { $_->{data} } $stream->events($count);
}

burst(100);
for my $streams (\@sse, \@ws) {
    my ($first, @others) = map { [texts($_, 100)] } @$streams;
    is_deeply [numbers(@$first)], [1 .. 100], 'everything, in order';
    is scalar(grep { "@$_" eq "@$first" } @others), @others, 'the same for all';
}

# Now nobody but the slow ones lags behind, until they read.
for (1 .. 3) {
    burst(100);
    texts($_, 100) for @sse, @ws;
}
cmp_ok files(), '>', 0, 'what many slow readers still need is kept as files';
is scalar(grep { "@$_" eq "@{[1 .. 400]}" } map { [numbers(texts($_, 400))] } @slow), @slow, 'they get everything as well';
my ($last, $sound) = (0, 1);
while ($last < 400) {
    my $event = $trimmed->next_event;
    if (($event->{event} // '') eq 'gap') { next }
    my ($n) = numbers($event->{data});
    $sound &&= $n =~ /^\d+$/ && $n > $last;
    $last = $n;
}
ok $sound, 'and what is left for one with a bound is whole and in order';
$h->wait_for(sub { files() == 0 }, 'the files to be closed');

my $size = length(qq({"n":1,"fill":"$fill"}));
$slow[0]->close;
$h->wait_for(sub { $h->read_file('sent.log') =~ /\n/ }, 'its line in the log');
my ($sent) = $h->read_file('sent.log') =~ m{^/many (\d+)$}m;
cmp_ok $sent, '>', 400 * $size, 'the log counts them all';

$h->finish;
done_testing;

# Clients that are gone before their stream has begun, streams that cannot begin, and heads that are held up.

use strict;
use warnings;
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    herald_buffer 4m;
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=16k;
        location = /s { herald_subscribe x:1; herald_retry off; }
        location = /slow-head { herald_subscribe x:1; herald_retry off; herald_keepalive off; limit_rate 100; }
        location = /gzip { herald_subscribe x:1; herald_retry off; herald_keepalive off; gzip on; gzip_types text/event-stream; gzip_min_length 1; }
        location = /status { herald_status; }
    }
}
CONF
%%SIDECAR%%
[[feed]]
name = "x"
channels = "x:{id}"
TOML

my ($pid) = $h->worker_pids;
my $watcher = $h->sse('/s');

# The worker sleeps while they come and go.
kill STOP => $pid;
my $upgrade = "GET /s HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    . "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
for my $n (1 .. 30) {
    my $stream = $h->connect;
    $stream->write($n % 2 ? "GET /s HTTP/1.1\r\nHost: h\r\n\r\n" : $upgrade);
    $stream->half_close if $n % 3 == 0;
    $n % 3 == 1 ? $stream->abort : $stream->close;
}
kill CONT => $pid;
sub status { $h->http(GET => '/status')->{body} }
wait_for(sub { status() =~ /"streams":\{"sse":1,"websocket":0,"opened":(\d+)/ && $1 > 1 }, 'all of them to be gone');
$h->redis_publish('x:1', '{"n":1}');
is $watcher->next_event->{data}, '{"n":1}', 'clients that are gone before they are served disturb nobody';

# -- a body
my $answer = $h->http(GET => '/s', 'Content-Length' => 5, ':body' => '');
is $answer->{status}, 400, 'a GET whose body is not there is refused';
is $answer->{body}, '{"detail":"a stream takes no request body"}', 'and told why';
my $whole = $h->connect;
$whole->write("GET /s HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
like $whole->read_until(qr/\r\n\r\n/), qr/^HTTP\/1.1 200/, 'a body that is there is discarded';

# -- a head that is held up
my $slow = $h->sse('/slow-head', timeout => 20);
is $slow->status, 200, 'a header slower than its socket arrives whole';

# -- a body filter that holds bytes back
my $gzip = $h->connect(rcvbuf => 4096);
$gzip->write("GET /gzip HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n");
$gzip->read_until(qr/\r\n\r\n/);
my $noise = join '', map { chr 33 + ($_ * 7919 + $_ * $_ * 31) % 58 } 1 .. 20_000;
$noise =~ tr/"\\/''/;
$h->redis_publish('x:1', qq({"n":$_,"fill":"$noise"})) for 1 .. 20;
for my $n (1 .. 20) {
    $watcher->next_event;
}
# Everything that was compressed arrives without a further event.
require Compress::Zlib;
my ($inflater) = Compress::Zlib::inflateInit(-WindowBits => 31);
my ($text, $chunk) = ('');
until ($text =~ /"n":20,.*\n\n\z/s) {
    my $size = hex $gzip->read_until(qr/\r\n/) =~ s/\r\n//r;
    my ($more) = $inflater->inflate(my $bytes = $gzip->read_exactly($size));
    $gzip->read_exactly(2);
    $text .= $more;
}
ok 1, 'what a filter held back is sent when the socket has room';

$h->finish;
done_testing;

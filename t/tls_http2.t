# The same stream over TLS, HTTP/2 and through nginx's body filters.

use strict;
use warnings;
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    log_format herald '$uri $server_protocol $status $body_bytes_sent $herald_events_sent $herald_close_reason';
    access_log %%DIR%%/herald.log herald;
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%% ssl http2;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        location = /s { herald_subscribe x:1; herald_greeting connected '{}'; herald_keepalive 200ms; }
        location = /all { herald_subscribe x:1; herald_start all; }
        location = /short { herald_subscribe x:1; herald_lifetime 200ms; }
    }
    server {
        listen 127.0.0.1:%%PORT2%% http2;
        location = /s { herald_subscribe x:1; }
    }
    server {
        listen 127.0.0.1:%%PORT3%%;
        gzip on;
        gzip_types text/event-stream;
        gzip_min_length 1;
        location = /gzip { herald_subscribe x:1; herald_greeting connected '{}'; }
        location = /limited { herald_subscribe x:1; limit_rate 1m; }
        location = /sub { herald_subscribe x:1; sub_filter_types text/event-stream; sub_filter secret public; sub_filter_once off; }
    }
}
CONF
%%SIDECAR%%
[ring]
size = "16M"
[[feed]]
name = "x"
channels = "x:{id}"
TOML

my $url = 'https://localhost:' . $h->port;
my @streams = (
    ['TLS, HTTP/1.1' => $h->sse('/s', tls => 1)],
    ['TLS, HTTP/1.0' => $h->sse('/s', tls => 1, version => '1.0')],
    ['HTTP/2' => $h->curl_sse("$url/s", '--http2')],
    ['HTTP/2 without TLS' => $h->curl_sse('http://127.0.0.1:' . $h->port('PORT2') . '/s', '--http2-prior-knowledge')],
    ['limit_rate' => $h->sse('/limited', port => $h->port('PORT3'))],
    ['gzip' => $h->curl_sse('http://127.0.0.1:' . $h->port('PORT3') . '/gzip', '--compressed')],
);
for my $stream (@streams) {
    my ($name, $sse) = @$stream;
    is $sse->status, 200, "$name: 200";
    is $sse->headers->{'content-type'}, 'text/event-stream; charset=utf-8', "$name: its type";
    is $sse->next_block->{retry}, 3000, "$name: the first block is not held back";
    $sse->next_event if $name !~ /without|limit/;
}
is $streams[5][1]->headers->{'content-encoding'}, 'gzip', 'gzip: it is compressed';
for my $n (1 .. 20) {
    $h->redis_publish('x:1', qq({"n":$n}));
    for my $stream (@streams) {
        my $data = $stream->[1]->next_event->{data};
        is $data, qq({"n":$n}), "$stream->[0]: event $n, at once" if $n == 20 || $data ne qq({"n":$n});
    }
}
is $streams[$_][1]->next_comment, 'keepalive', "$streams[$_][0]: keepalives" for 0, 2;

# Much at once, also for slow readers.
my $fill = 'f' x 10_000;
my $slow = $h->sse('/s', tls => 1, rcvbuf => 4096);
$slow->next_event;
$h->redis_publish('x:1', qq({"n":$_,"fill":"$fill"})) for 21 .. 120;
for my $stream (@streams, ['a slow reader over TLS' => $slow]) {
    my ($name, $sse) = @$stream;
    my ($gap, @n);
    while (!@n || $n[-1] < 120) {
        my $event = $sse->next_event;
        ++$gap, next if ($event->{event} // '') eq 'gap';
        push @n, $event->{data} =~ /"n":(\d+)/;
        last if length $event->{data} != length(qq({"n":,"fill":"$fill"})) + length $n[-1];
    }
    is $n[-1], 120, "$name: a megabyte arrives whole" . ($gap ? ", but for a gap that is told" : '');
}

my $all = $h->curl_sse("$url/all", '--http2');
is_deeply [map { $_->{data} =~ /"n":(\d+)/ } $all->events(120)], [1 .. 120], 'HTTP/2: a replay of a megabyte';
my $all_tls = $h->sse('/all', tls => 1, rcvbuf => 4096);
is_deeply [map { $_->{data} =~ /"n":(\d+)/ } $all_tls->events(120)], [1 .. 120], 'TLS: the same';

my $sub = $h->sse('/sub', port => $h->port('PORT3'));
$h->redis_publish('x:1', '{"a":"secret"}');
is $sub->next_event->{data}, '{"a":"public"}', 'a body filter sees the stream';

is $h->curl_sse("$url/short", '--http2')->ended, 'clean', 'HTTP/2: a clean end';
is $h->sse('/short', tls => 1)->ended, 'clean', 'TLS: a clean end';
my ($code, $output) = $h->curl('--http2', '-I', "$url/s");
is $code, 0, 'HTTP/2: HEAD ends';
like $output, qr{^HTTP/2 200.*^content-type: text/event-stream; charset=utf-8}ms, 'with the header';
($code, $output) = $h->curl('--http2', '-i', '-X', 'POST', '-d', 'x', "$url/s");
like $output, qr{^HTTP/2 405.*^allow: GET, HEAD}ms, 'HTTP/2: POST is refused';

# Many streams on one connection, gone all at once while events are on their way.
my @many = map { $h->curl_sse("$url/s", '--http2', '--parallel', '--stderr', '/dev/null', map { ($_, '-o', '-') } ("$url/s") x 20) } 1 .. 2;
$_->next_event for @many;
$h->redis_publish('x:1', qq({"n":$_,"fill":"$fill"})) for 1 .. 200;
$_->close for @many;
$h->redis_publish('x:1', '{"last":1}');
wait_for(sub { my $log = $h->read_file('herald.log'); 20 <= (() = $log =~ m{^/s HTTP/2.0 200 .* client$}mg) }, 'the streams to be gone');
my $event;
do { $event = $streams[0][1]->next_event } while $event->{data} !~ /last/;
ok 1, 'others go on';

$h->finish;
done_testing;

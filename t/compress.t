# herald_compress: frames that are compressed once and fit into everybody's stream.

use strict;
use warnings;
use Compress::Raw::Zlib;
use JSON::PP;
use Test::More;
use Herald;
use Herald::WS;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    herald_compress gzip deflate;
    herald_start all;
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT2%% ssl http2;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        location ~ ^/all/(.+)$ {
            herald_subscribe x:$1;
            herald_greeting hello '{"n":0}';
            herald_end_event bye '{"bye":true}';
        }
        location ~ ^/beat/(.+)$ { herald_subscribe x:$1; herald_keepalive 50ms; }
        location ~ ^/small/(.+)$ { herald_subscribe x:$1; herald_buffer 64k; }
        location ~ ^/deflate/(.+)$ { herald_subscribe x:$1; herald_compress deflate; }
        location ~ ^/off/(.+)$ { herald_subscribe x:$1; herald_compress off; }
        location = /status { herald_status; }
        location = /health { herald_health; }
    }
}
CONF
%%SIDECAR%%
[ring]
size = "1M"
[[feed]]
name = "x"
channels = "x:{id}"
event = "type"
end_on = ["end"]
TOML

my @gzip = (headers => { 'Accept-Encoding' => 'br;q=0.5, gzip' });
my $long = '"' . join(' ', map { "item $_ is done" } 1 .. 200) . '"';
sub publish { $h->redis_publish(@_) }
sub data { map { $_->{data} } @_ }

# -- SSE
{
    my $sse = $h->sse('/all/1', @gzip);
    is $sse->headers->{'content-encoding'}, 'gzip', 'a client that takes gzip gets it';
    like $sse->headers->{vary}, qr/Accept-Encoding/, '  and caches are told';
    is $sse->next_event->{data}, '{"n":0}', '  its greeting flows';
    publish('x:1', qq({"n":1,"text":$long}));
    my $event = $sse->next_event;
    is $event->{data}, qq({"n":1,"text":$long}), '  and each event as it comes';
    like $event->{id}, qr/\A[0-9a-f]{8}-\d+\z/, '  with its id';
    cmp_ok $sse->gzip_bytes, '<', 1000, '  in fewer bytes';

    my $second = $h->sse('/all/1', @gzip);
    is_deeply [data($second->events(2))], ['{"n":0}', qq({"n":1,"text":$long})], 'a later one gets the past, compressed';
    my $plain = $h->sse('/all/1');
    is $plain->headers->{'content-encoding'}, undef, 'a client that does not take gzip gets text';
    $plain->events(2);
    publish('x:1', "{\"n\":$_}") for 2 .. 50;
    publish('x:1', '{"type":"end"}');
    my @rest = ((map { "{\"n\":$_}" } 2 .. 50), '{"type":"end"}', '{"bye":true}');
    is_deeply [data($_->events(51))], \@rest, '  and all get the same events' for $sse, $second, $plain;
    for my $stream ($sse, $second) {
        is $stream->ended, 'clean', 'the stream ends';
        ok $stream->gzip_ended, '  with the checksum of all that was in it';
    }
    my $late = $h->sse('/all/1', @gzip);
    is scalar($late->events(53)), 53, 'a run that is over is compressed, too';
    is $late->ended, 'clean', '  up to its end';
    ok $late->gzip_ended, '  and its checksum';
    my $old = $h->sse('/all/1', @gzip, version => '1.0');
    is scalar($old->events(53)), 53, 'HTTP/1.0 gets it without chunks';
    $old->ended;
    ok $old->gzip_ended, '  whole';
}
{
    my $sse = $h->sse('/beat/beat', @gzip);
    publish('x:beat', '{"n":1}');
    $sse->next_comment for 1 .. 3;
    publish('x:beat', '{"n":2}');
    is_deeply [data($sse->events(2))], ['{"n":1}', '{"n":2}'], 'keepalives stand between events';
    $sse->next_comment;
    publish('x:beat', '{"type":"end"}');
    $sse->ended;
    ok $sse->gzip_ended, '  and are in the checksum';
}
for my $case (['gzip;q=0', undef], ['*', 'gzip'], ['*, gzip;q=0', undef], ['deflate, br', undef], ['GZIP;q=0.3', 'gzip'], ['', undef]) {
    my ($accept, $coding) = @$case;
    is $h->http(HEAD => '/all/head', 'Accept-Encoding' => $accept)->{headers}{'content-encoding'}, $coding, "Accept-Encoding: $accept";
}
for my $path ('/deflate/1', '/off/1') {
    my $head = $h->http(HEAD => $path, 'Accept-Encoding' => 'gzip')->{headers};
    is $head->{'content-encoding'}, undef, "$path: no gzip";
    is $head->{vary}, undef, '  and nothing to vary by';
}

# -- a client that reads slowly is trimmed, and its stream is still whole
{
    my $slow = $h->sse('/small/slow', @gzip, rcvbuf => 4096);
    publish('x:slow', '{"first":1}');
    $slow->next_event;
    my $reader = $h->sse('/small/slow', @gzip);
    my $noise = sub { join '', map { chr(33 + int rand 90) =~ s/["\\]/x/r } 1 .. 20_000 };
    my $count = 400;
    for my $n (1 .. $count) {
        publish('x:slow', qq({"n":$n,"noise":") . $noise->() . '"}');
        $reader->next_event if $n > 1;
    }
    publish('x:slow', '{"type":"end"}');
    my ($gaps, $events) = (0, 0);
    while (my $event = $slow->next_event) {
        ($event->{event} // '') eq 'gap' ? ++$gaps : ++$events;
    }
    cmp_ok $gaps, '>', 0, 'a slow client is told what it missed';
    cmp_ok $events, '<', $count, '  and missed it';
    is $slow->ended, 'clean', '  its stream ends in order';
    ok $slow->gzip_ended, '  with the right checksum';
}

# -- reload: the stream is drained, and the checksum is right
{
    my $sse = $h->sse('/all/reload', @gzip);
    publish('x:reload', '{"n":1}');
    $sse->events(2);
    $h->reload;
    is $sse->ended, 'clean', 'a reload ends the stream';
    ok $sse->gzip_ended, '  whole';
}

# -- HTTP/2
{
    publish('x:h2', qq({"n":1,"text":$long}));
    publish('x:h2', '{"type":"end"}');
    my (undef, $body) = $h->curl('--http2', '--compressed', 'https://localhost:' . $h->port('PORT2') . '/all/h2');
    like $body, qr/data: \{"n":0\}\n\n.*\Q$long\E.*"bye":true\}\n\n\z/s, 'curl --compressed reads it over HTTP/2';
}

# -- WebSocket
my $DEFLATE = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
sub inflated {
    my $frame = shift;
    return $frame->{payload} unless $frame->{rsv} & 4;
    my ($inflate) = Compress::Raw::Zlib::Inflate->new(-WindowBits => -15, -AppendOutput => 1);
    my $text = '';
    my $status = $inflate->inflate($frame->{payload} . "\0\0\xff\xff", $text);
    return $status == Z_OK || $status == Z_BUF_ERROR ? $text : "not deflate: $status";
}
sub offering { my ($offer, @more) = @_; return (headers => { 'Sec-WebSocket-Extensions' => $offer }, @more) }
{
    my $ws = $h->ws('/off/ws', offering('permessage-deflate'));
    is $ws->headers->{'sec-websocket-extensions'}, undef, 'off: no extension';
}
for my $protocol (undef, 'herald.v1') {
    my $channel = $protocol ? 'ws1' : 'ws0';
    my $ws = $h->ws("/deflate/$channel", offering('permessage-deflate; client_max_window_bits', protocol => $protocol));
    is $ws->headers->{'sec-websocket-extensions'}, $DEFLATE, 'the extension is agreed on';
    my $plain = $h->ws("/deflate/$channel", protocol => $protocol);
    for my $data (qq({"text":$long}), qq({"again":$long}), '{}') {
        publish("x:$channel", $data);
        my $frame = $ws->next_frame;
        is inflated($frame), $plain->next_text, '  what it carries is what others get';
        is $frame->{rsv}, 4, '  compressed' if $data ne '{}';
        is $frame->{rsv}, 0, '  plain where that is shorter' if $data eq '{}' && !$protocol;
    }
    $ws->send_frame(Herald::WS::TEXT, "\xff\xff not even deflate", rsv => 4);
    $ws->ping('still here');
    is $ws->next_frame->{payload}, 'still here', 'a compressed message of the client is passed over';
    $ws->send_frame(Herald::WS::PING, 'x', rsv => 4);
    is $ws->next_frame->{code}, 1002, '  a compressed ping is an error';
}
for my $case (
    ['permessage-deflate; server_max_window_bits=15', "$DEFLATE; server_max_window_bits=15"],
    ['permessage-deflate; server_max_window_bits=10', undef],
    ['permessage-deflate; server_max_window_bits=10, permessage-deflate', $DEFLATE],
    ['permessage-deflate; server_no_context_takeover; client_max_window_bits="12"', $DEFLATE],
    ['permessage-deflate; client_max_window_bits=16', undef],
    ['permessage-deflate; server_no_context_takeover=1', undef],
    ['permessage-deflate; client_max_window_bits; client_max_window_bits', undef],
    ['permessage-deflate; mystery', undef],
    ['x-webkit-deflate-frame, bbf-usp-protocol', undef])
{
    my ($offer, $answer) = @$case;
    is $h->ws('/deflate/offers', offering($offer))->headers->{'sec-websocket-extensions'}, $answer, "offer: $offer";
}
{
    my $ws = $h->ws('/off/rsv');
    $ws->send_frame(Herald::WS::TEXT, 'x', rsv => 4);
    is $ws->next_frame->{code}, 1002, 'without the extension its bit is an error';
}

# -- configuration
for my $case (['herald_compress;', qr/invalid number of arguments in "herald_compress"/],
    ['herald_compress brotli;', qr/"herald_compress" knows "gzip" and "deflate", not "brotli"/],
    ['herald_compress gzip gzip;', qr/"herald_compress" has "gzip" twice/],
    ['herald_compress off gzip;', qr/"herald_compress" knows "gzip" and "deflate", not "off"/],
    ['herald_compress gzip; herald_compress off;', qr/"herald_compress" is duplicate/])
{
    my ($line, $error) = @$case;
    my ($code, $said) = Herald::nginx_t("events {} http { herald_sidecar unix:%%SOCKET%%; $line }");
    is $code, 1, $line;
    like $said, $error, '  is refused';
}

$h->finish;
done_testing;

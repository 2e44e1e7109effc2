# WebSocket as RFC 6455 wants it: handshake, frames, control frames, closing; and what is refused.

use strict;
use warnings;
use Test::More;
use Herald;

use constant { CONT => 0, TEXT => 1, BINARY => 2, CLOSE => 8, PING => 9, PONG => 10 };

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /s { herald_subscribe x:1; herald_greeting hello '{"hello":"$uri"}'; }
        location = /text { herald_subscribe x:1; herald_greeting hello 'plain "text"'; }
        location = /sse { herald_subscribe x:1; herald_transport sse; }
        location = /ws { herald_subscribe x:1; herald_transport websocket; }
        location = /big { herald_subscribe x:1; }
    }
    server {
        listen 127.0.0.1:%%PORT2%% ssl;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        location = /s { herald_subscribe x:1; herald_greeting hello '{"hello":"$uri"}'; }
    }
}
CONF
%%SIDECAR%%
[[feed]]
name = "x"
channels = "x:{id}"
event = "type"
TOML

sub open_ws {
    my $ws = $h->ws(shift // '/s', @_);
    $ws->next_text if $ws->status == 101;
    return $ws;
}

# -- handshake
for my $tls (0, 1) {
    my $ws = $h->ws('/s', tls => $tls, port => $h->port($tls ? 'PORT2' : 'PORT'));
    is $ws->status, 101, 'a handshake succeeds' . ($tls ? ' over TLS' : '');
    is $ws->headers->{upgrade}, 'websocket', 'Upgrade';
    is lc $ws->headers->{connection}, 'upgrade', 'Connection';
    is $ws->protocol, undef, 'no subprotocol unless asked for';
    is $ws->headers->{'sec-websocket-extensions'}, undef, 'no extension';
    is $ws->next_text, '{"hello":"/s"}', 'a text frame is the data alone';
    $h->redis_publish('x:1', '{"type":"t","n":1}');
    is $ws->next_text, '{"type":"t","n":1}', 'events too';
    my $closed = $ws->close(1000);
    is $closed->{code}, 1000, 'the close is answered';
}
is $h->ws('/s', protocol => 'chat, herald.v1')->protocol, 'herald.v1', 'herald.v1 out of a list';
is $h->ws('/s', protocol => 'chat')->protocol, undef, 'others are not agreed to';
is $h->ws('/text', protocol => 'herald.v1')->next_text,
    '{"id":null,"event":"hello","channel":"x:1","data":"plain \"text\""}', 'text that is no JSON becomes a string';
is $h->ws('/s', headers => { Connection => 'keep-alive, Upgrade', Upgrade => 'WebSocket' })->status, 101,
    'tokens in lists and in any case';
for my $bad (
    [400, 'no key', { 'Sec-WebSocket-Key' => undef }],
    [400, 'a short key', { 'Sec-WebSocket-Key' => 'AAAA' }],
    [400, 'a key that is no base64', { 'Sec-WebSocket-Key' => '!' x 22 . '==' }],
    [426, 'an old version', { 'Sec-WebSocket-Version' => 8 }],
    [426, 'no version', { 'Sec-WebSocket-Version' => undef }],
) {
    my ($status, $what, $headers) = @$bad;
    my $ws = $h->ws('/s', headers => $headers);
    is $ws->status, $status, "$what: $status";
    is $ws->headers->{'sec-websocket-version'}, 13, 'which version would do' if $status == 426;
    like $ws->body, qr/^\{"detail":"Sec-WebSocket-/, 'and why';
}
is $h->ws('/sse')->status, 400, 'a location without WebSocket refuses';
is $h->ws('/s', method => 'POST')->status, 405, 'a handshake is a GET';
is $h->ws('/ws')->status, 101, 'a location with WebSocket alone';
is $h->sse('/s', headers => { Connection => 'Upgrade' })->next_event->{event}, 'hello', 'without Upgrade it is SSE';

# -- frames in good order
my $ws = open_ws();
$ws->ping('hello');
my $pong = $ws->next_frame;
is_deeply [@$pong{qw(opcode payload fin)}], [PONG, 'hello', 1], 'a ping is answered';
$ws->send_frame(TEXT, 'part', fin => 0);
$ws->ping('between');
is $ws->next_frame->{payload}, 'between', 'control frames may come between fragments';
$ws->send_frame(CONT, 'end');
$ws->send_frame(BINARY, "\0\xff" x 100);
$ws->send_frame(TEXT, "\xc3", fin => 0);
$ws->send_frame(CONT, "\xa9");
$ws->send_frame(PONG, 'unasked');
$ws->send_frame(TEXT, '', fin => 0);
$ws->send_raw(join '', map { Herald::WS::frame(CONT, 'x', fin => 0) } 1 .. 60_000);
$ws->send_frame(CONT, '');
$ws->send_frame(TEXT, 'x' x 65_536);
$ws->ping('still here');
is $ws->next_frame->{payload}, 'still here', 'good frames of all kinds are taken';

# -- and out of order
sub refused {
    my ($code, $what, @bytes) = @_;
    my $bad = open_ws();
    $bad->send_raw(join '', @bytes);
    my $frame;
    do { $frame = $bad->next_frame } while $frame && $frame->{opcode} != CLOSE;
    is $frame && $frame->{code}, $code, "$what: $code";
    ok $bad->ended, '  and the connection ends';
}
my $frame = \&Herald::WS::frame;
refused(1002, 'an unmasked frame', $frame->(TEXT, 'x', mask => 0));
refused(1002, "reserved bit $_", $frame->(TEXT, 'x', rsv => $_)) for 1, 2, 4;
refused(1002, "opcode $_", $frame->($_, 'x')) for 3, 7, 11, 15;
refused(1002, 'a long control frame', $frame->(PING, 'x' x 126));
refused(1002, 'a fragmented control frame', $frame->(PING, 'x', fin => 0));
refused(1002, 'a stray continuation', $frame->(CONT, 'x'));
refused(1002, 'a new message inside another', $frame->(TEXT, 'x', fin => 0), $frame->(TEXT, 'y'));
refused(1002, 'a length of 2^63', "\x82\xff\x80\0\0\0\0\0\0\0abcd");
refused(1002, 'a length that is not minimal', "\x82\xfe\0\x05abcdhello");
refused(1009, 'a frame of 2^62 bytes', "\x82\xff\x40\0\0\0\0\0\0\0abcd");
refused(1009, 'a message beyond 64 KB', $frame->(TEXT, 'x' x 60_000, fin => 0), $frame->(CONT, 'x' x 6_000));
refused(1007, 'bad UTF-8', $frame->(TEXT, "\xff"));
refused(1007, 'bad UTF-8 across fragments', $frame->(TEXT, "\xc3", fin => 0), $frame->(CONT, 'x'));
refused(1007, 'a cut character', $frame->(TEXT, "\xc3"));
refused(1002, 'a close of one byte', $frame->(CLOSE, 'x'));
refused(1002, "close code $_", $frame->(CLOSE, pack 'n', $_)) for 0, 999, 1004, 1005, 1006, 1015, 2999, 5000;
refused(1007, 'a close reason that is not UTF-8', $frame->(CLOSE, pack('n', 1000) . "\xff"));
refused($_, "close code $_ is answered with itself", $frame->(CLOSE, pack 'n', $_)) for 1000, 1001, 1011, 3000, 4999;
{
    my $many = open_ws();
    $many->send_raw(join('', map { $frame->(TEXT, 'x', fin => 0) } 1) . join '', map { $frame->(CONT, 'y', fin => 0) } 1 .. 100_000);
    my $answer;
    do { $answer = $many->next_frame } while $answer && $answer->{opcode} != CLOSE;
    is $answer->{code}, 1009, '100,000 fragments of one byte: no more than too big';
}
{
    my $silent = open_ws();
    is $silent->close()->{code}, undef, 'a close without a code is answered without one';
    my $gone = open_ws();
    $gone->abort;
}

# -- frames that come with the handshake, and a client that floods
my $eager = $h->connect;
$eager->write("GET /s HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    . "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" . $frame->(PING, 'early'));
like $eager->read_until(qr/early/), qr/s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/, 'a ping right behind the handshake is answered (RFC 6455, section 1.3)';

my $flood = open_ws('/s', rcvbuf => 4096);
$flood->send_raw(join '', map { $frame->(PING, 'x' x 125) } 1 .. 200) for 1 .. 20;
$h->redis_publish('x:1', '{"after":"flood"}');
my $text = $flood->next_text;
is $text, '{"after":"flood"}', 'a flood of pings does not stop the events';

# -- big frames
my $big = $h->ws('/big');
for my $size (10, 125, 126, 65_535, 65_536, 300_000) {
    my $data = '{"x":"' . 'b' x ($size - 8) . '"}';
    $h->redis_publish('x:1', $data);
    is length $big->next_text, $size, "a message of $size bytes";
}

$h->finish;
done_testing;

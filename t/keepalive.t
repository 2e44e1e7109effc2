# What passes on a quiet stream: comments, pings, heartbeats; and streams that end by time.

use strict;
use warnings;
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    log_format herald '$uri $herald_transport $herald_events_sent $herald_close_reason';
    access_log %%DIR%%/herald.log herald;
    herald_sidecar unix:%%SOCKET%%;
    herald_retry off;
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /comment { herald_subscribe x:1; herald_keepalive 200ms comment=ping; }
        location = /default { herald_subscribe x:1; herald_keepalive 200ms; }
        location = /event { herald_subscribe x:1; herald_keepalive 200ms event=heartbeat 'data={"id":"$arg_id","t":$msec}'; }
        location = /data { herald_subscribe x:1; herald_keepalive 200ms idle 'data={}'; }
        location = /idle { herald_subscribe x:2; herald_keepalive 2s idle comment=idle; }
        location = /off { herald_subscribe x:1; herald_keepalive off; }
        location = /short { herald_subscribe x:1; herald_lifetime 300ms; herald_keepalive off; }
        location = /quiet { herald_subscribe x:3; herald_idle_timeout 500ms; herald_keepalive 100ms; }
    }
}
CONF
%%SIDECAR%%
[[feed]]
name = "x"
channels = "x:{id}"
TOML

my $comment = $h->sse('/comment');
is $comment->next_block->{raw}, ": ping\n\n", 'a comment of one\'s own';
is $comment->next_block->{raw}, ": ping\n\n", 'again and again';
is $h->sse('/default')->next_block->{raw}, ": keepalive\n\n", 'the default text';

my $event = $h->sse('/event?id=a%22b');
my ($one, $two) = $event->events(2);
like $one->{raw}, qr/\Aevent: heartbeat\ndata: \{"id":"a%22b","t":\d+\.\d+\}\n\n\z/, 'a heartbeat is an event without id';
isnt $one->{data}, $two->{data}, 'its variables are evaluated each time';
is $h->sse('/data')->next_block->{raw}, "data: {}\n\n", 'an unnamed heartbeat';

my $idle = $h->sse('/idle');
for my $n (1 .. 30) {
    $h->redis_publish('x:2', qq({"n":$n}));
    is $idle->next_block->{data}, qq({"n":$n}), 'events hold an idle keepalive off' if $n == 30;
    $idle->next_block if $n != 30;
    select undef, undef, undef, 0.1;    # the beat of a producer; nothing is waited for
}
is $idle->next_comment, 'idle', 'quiet brings it';

# -- WebSocket
my $ws = $h->ws('/comment');
my $frame = $ws->next_frame;
is $frame->{opcode}, Herald::WS::PING, 'a WebSocket gets pings';
$ws->send_frame(Herald::WS::PONG, $frame->{payload});
is $ws->next_frame->{opcode}, Herald::WS::PING, 'at each beat';
like $h->ws('/event')->next_text, qr/^\{"id":"","t":\d/, 'heartbeats are text frames';
like $h->ws('/event?id=1', protocol => 'herald.v1')->next_text,
    qr/^\{"id":null,"event":"heartbeat","channel":"x:1","data":\{"id":"1","t":[\d.]+\}\}$/, 'in their envelope';

# -- the end
is $h->sse('/short')->ended, 'clean', 'a lifetime ends a stream cleanly';
my $kept = $h->connect;
$kept->write("GET /short HTTP/1.1\r\nHost: h\r\n\r\n");
$kept->read_until(qr/\r\n0\r\n\r\n|\r\n\r\n0\r\n\r\n/);
$kept->write("GET /default HTTP/1.1\r\nHost: h\r\n\r\n");
like $kept->read_until(qr/keepalive/), qr/^HTTP\/1.1 200/, 'whose connection serves the next request';
my $short = $h->ws('/short');
is $short->next_text, undef, 'and a WebSocket';
is $short->last_close->{code}, 1001, 'with 1001';
my $quiet = $h->sse('/quiet');
is $quiet->ended, 'clean', 'without events an idle stream ends, keepalives or not';
my $talking = $h->ws('/quiet');
for (1 .. 10) {
    $talking->ping('x');
    1 while $talking->next_frame->{opcode} != Herald::WS::PONG;
    select undef, undef, undef, 0.1;    # the beat of a client
}
ok 1, 'client traffic keeps a WebSocket from being idle';
is $talking->next_text, undef, 'until it stops';
is $talking->last_close->{code}, 1001, 'with 1001';

$_->close for $comment, $event, $idle;
$ws->abort;
my $log = wait_for(sub { my $text = $h->read_file('herald.log'); $text =~ m{/idle .*client} && $text }, 'the log');
like $log, qr{^/short sse 0 lifetime$}m, 'the log knows lifetimes';
like $log, qr{^/quiet sse 0 idle$}m, 'and idle streams';

$h->finish;
done_testing;

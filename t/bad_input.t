# What producers can get wrong: nothing of it closes a stream, injects a line or stops the next good event.

use strict;
use warnings;
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
events { worker_connections 64; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /s { herald_subscribe x:1; herald_retry off; }
        location = /status { herald_status; }
    }
}
CONF
%%SIDECAR%%
[ring]
size = "8M"
max_message = "1M"
[[feed]]
name = "x"
channels = "x:{id}"
event = "event"
log = true
TOML

my $sse = $h->sse('/s');
my $ws = $h->ws('/s', protocol => 'herald.v1');
is $ws->status, 101, 'a WebSocket beside it';
my $n = 0;

# Publishes it, then a good event; only the good one, or both, may arrive.
sub check {
    my ($what, $data, $arrives, $name) = @_;
    $h->redis_publish('x:1', $data);
    $h->redis_publish('x:1', sprintf '{"good":%d}', ++$n);
    if (defined $arrives) {
        my $event = $sse->next_event;
        is $event->{data}, $arrives, "$what: passed on";
        is $event->{event}, $name, '  with its name' if @_ > 3;
        my $frame = $ws->next_text;
        like $frame, qr/"data":\Q$arrives\E\}\z/, '  also over WebSocket';
    }
    my $good = $sse->next_event;
    is $good->{raw} =~ s/^id: .*\n//r, qq(data: {"good":$n}\n\n), "$what: the next good event is whole";
    like $ws->next_text, qr/"data":\{"good":$n\}\}\z/, '  also over WebSocket';
}

check('not JSON', 'hello');
check('half a JSON', '{"a":');
check('two values', '{} {}');
check('empty', '');
check('blanks', " \r\n ");
check('invalid UTF-8', qq({"a":"\xff\xfe"}));
check('an overlong form', qq({"a":"\xc0\xaf"}));
check('a NUL', qq({"a":"\0"}));
check('3 MB', '{"a":"' . 'x' x 3_000_000 . '"}');
check('a million brackets', '[' x 1_000_000);
check('an array', '[1,2]', '[1,2]', undef);
check('a bare string', '"hi"', '"hi"', undef);
check('a number beyond doubles', '{"a":123456789012345678901234567890e999}', '{"a":123456789012345678901234567890e999}');
check('a pretty-printed object', qq({\n  "event": "e",\r\n  "a": [\n1,\n2]\n}), '{   "event": "e",    "a": [ 1, 2] }', 'e');
check('an event name with LF', '{"event":"a\ndata: forged"}', '{"event":"a\ndata: forged"}', undef);
check('an event name with CR', '{"event":"a\rdata: forged"}', '{"event":"a\rdata: forged"}', undef);
check('an event name with NUL', '{"event":"a\u0000b"}', '{"event":"a\u0000b"}', undef);
check('an empty event name', '{"event":""}', '{"event":""}', undef);
check('an event name that is a number', '{"event":5}', '{"event":5}', undef);
check('a very long event name', '{"event":"' . 'e' x 300 . '"}', '{"event":"' . 'e' x 300 . '"}', undef);
check('line separators of JavaScript', qq({"a":"\xe2\x80\xa8"}), qq({"a":"\xe2\x80\xa8"}));

# Channel names with control characters match the pattern and are refused.
$h->redis_publish("x:1\ndata: forged", '{"forged":1}');
$h->redis_publish('x:' . 'y' x 5000, '{"long":1}');
check('a channel name with LF', 'nope');

my $status = $h->http(GET => '/status')->{body};
for my $count (qw("empty":1 "too_large":1 "not_utf8":2 "channel":2)) {
    like $status, qr/$count\b/, "the status counts $count";
}
like $status, qr/"not_json":7\b/, 'and what is no JSON' or diag $status;
like $status, qr/"unnamed":6\b/, 'and what has no fit name' or diag $status;
unlike $h->sidecar_log, qr/^data: forged/m, 'nothing forged a line of the log';
ok $h->wait_log('sidecar', qr/WARN .*rejected.*not_json=/), 'rejects are logged, a line a second at most';
like $h->sidecar_log, qr/INFO \[events\] id=\S+ channel=x:1 event=e data=/, 'events are mirrored with their tag';

$h->finish;
done_testing;

# Where a stream starts: live, the newest events, the whole past, or behind the Last-Event-ID; and what it is told when
# something is missing.

use strict;
use warnings;
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location ~ ^/live/(.+)$ { herald_subscribe x:$1; }
        location ~ ^/last/(.+)$ { herald_subscribe x:$1; herald_start last; }
        location ~ ^/last3/(.+)$ { herald_subscribe x:$1; herald_start last=3; }
        location ~ ^/all/(.+)$ { herald_subscribe x:$1; herald_start all; herald_greeting hello '{}'; }
        location = /two { herald_subscribe x:a x:b; herald_start all; }
        location ~ ^/off/(.+)$ { herald_subscribe x:$1; herald_resume off; }
        location = /status { herald_status; }
    }
}
CONF
%%SIDECAR%%
[ring]
size = "64K"
[[feed]]
name = "x"
channels = "x:{id}"
TOML

sub publish { $h->redis_publish(@_) }
sub data { map { $_->{data} } @_ }
sub gap_of { my ($event) = @_; return $event->{event} eq 'gap' ? $event->{data} : "no gap: $event->{data}" }

# Waits until the worker has read everything that was published.
sub settle {
    my $probe = $h->sse('/last/probe' . ++$main::probes);
    publish("x:probe$main::probes", '{}');
    $probe->next_event;
}

my $first = $h->sse('/live/a');
publish('x:a', qq({"n":$_})) for 1 .. 5;
my @events = $first->events(5);
my @ids = map { $_->{id} } @events;
my ($log) = $ids[0] =~ /^([0-9a-f]{8})-/;

is_deeply [data($h->sse('/last/a')->next_event)], ['{"n":5}'], 'last: the newest event';
is_deeply [data($h->sse('/last3/a')->events(3))], ['{"n":3}', '{"n":4}', '{"n":5}'], 'last=3: three, in order';
my $all = $h->sse('/all/a');
is $all->next_event->{event}, 'hello', 'the greeting comes first';
is_deeply [data($all->events(5))], [map { qq({"n":$_}) } 1 .. 5], 'all: the whole past, in order';
publish('x:a', '{"n":6}');
is $all->next_event->{data}, '{"n":6}', 'then it is live';
is $first->next_event->{data}, '{"n":6}', 'like those who were there';
is $h->sse('/all/nothing')->next_event->{event}, 'hello', 'a channel without a past is no gap';

publish('x:b', '{"m":1}');
publish('x:a', '{"n":7}');
settle();
is_deeply [data($h->sse('/two')->events(8))], [(map { qq({"n":$_}) } 1 .. 6), '{"m":1}', '{"n":7}'],
    'two channels: one past, in the order of the ids';

# -- resume
sub resume { my ($id, $path) = @_; return $h->sse($path // '/live/a', headers => { 'Last-Event-ID' => $id }) }
is_deeply [data(resume($ids[2])->events(4))], ['{"n":4}', '{"n":5}', '{"n":6}', '{"n":7}'], 'resume behind an id';
is_deeply [data($h->sse("/live/a?last_event_id=$ids[3]")->events(3))], ['{"n":5}', '{"n":6}', '{"n":7}'], 'also by argument';
is_deeply [data(resume($ids[3], '/last/a')->events(3))], ['{"n":5}', '{"n":6}', '{"n":7}'], 'the id outweighs herald_start';
my $off = resume($ids[0], '/off/a');
publish('x:a', '{"n":8}');
is $off->next_event->{data}, '{"n":8}', 'herald_resume off: live at once';
my $empty = resume('');
publish('x:a', '{"n":9}');
is $empty->next_event->{data}, '{"n":9}', 'an empty id is none';
settle();

for my $odd ('nonsense', "$log-99999999999", "$log-x", 'ffffffff-1', "$log-18446744073709551616", 'a' x 3000) {
    my $stream = resume($odd);
    like gap_of($stream->next_event), qr/^\{"type":"gap","reason":"unknown_id","from":(null|"[0-9a-f]{8}-\d+"),"to":"$log-0"\}$/,
        'unknown: ' . substr($odd, 0, 30);
    is_deeply [data($stream->events(9))], [map { qq({"n":$_}) } 1 .. 9], 'then what there is';
}

# -- a slow replay meets the live stream
publish('x:c', sprintf '{"n":%d}', $_) for 1 .. 200;
settle();
my $slow = $h->sse('/all/c', rcvbuf => 2048);
publish('x:c', sprintf '{"n":%d}', $_) for 201 .. 260;
$slow->next_event;
is_deeply [map { $_->{data} =~ /(\d+)/ } $slow->events(260)], [1 .. 260], 'history and live meet: no hole, no repeat';

# -- older than the ring, which holds 64 KB: the index has it
publish('x:a', sprintf '{"n":%d,"fill":"%s"}', $_, 'f' x 4000) for 10 .. 40;
settle();
is_deeply [map { $_->{data} =~ /"n":(\d+)/ } resume($ids[1])->events(38)], [3 .. 40], 'older than the ring: no gap, no hole';
my $whole = $h->sse('/all/a');
is $whole->next_event->{event}, 'hello', 'herald_start all';
is_deeply [map { $_->{data} =~ /"n":(\d+)/ } $whole->events(40)], [1 .. 40], 'gives all, too';
is_deeply [map { $_->{data} =~ /"n":(\d+)/ } $h->sse('/last3/a')->events(3)], [38 .. 40], 'herald_start last=3';

# -- over WebSocket
my $ws = $h->ws("/all/b", protocol => 'herald.v1');
is $ws->protocol, 'herald.v1', 'the subprotocol is agreed';
is $ws->next_text, '{"id":null,"event":"hello","channel":"x:b","data":{}}', 'greeting as an envelope';
publish('x:b', '{"m":2}');
like $ws->next_text, qr/^\{"id":"$log-\d+","event":null,"channel":"x:b","data":\{"m":1\}\}$/, 'the past as envelopes';
like $ws->next_text, qr/^\{"id":"$log-\d+","event":null,"channel":"x:b","data":\{"m":2\}\}$/, 'an event as an envelope';

$h->finish;
done_testing;

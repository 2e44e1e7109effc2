# A stream over SSE as its client sees it: header, framing, greeting, methods, HTTP versions, bad channels.

use strict;
use warnings;
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    log_format herald '$request_method $uri $status $herald_channel $herald_transport '
                      '$herald_events_sent $herald_last_id $herald_gaps $herald_trimmed $herald_close_reason';
    access_log %%DIR%%/herald.log herald;
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location ~ ^/jobs/(?<id>.+)$ {
            herald_subscribe jobs:$id;
            herald_greeting connected '{"type":"connected","id":"$id","n":$arg_n}';
        }
        location ~ ^/bare/([^/]+) {
            herald_subscribe jobs:$1;
            herald_retry off;
            herald_ids off;
        }
        location = /both {
            herald_subscribe jobs:a jobs:b;
        }
        location = /websocket-only {
            herald_subscribe jobs:a;
            herald_transport websocket;
        }
        location = /if {
            herald_subscribe jobs:a;
            if ($arg_x) { add_header X-Seen yes; }
        }
    }
}
CONF
%%SIDECAR%%
[ring]
size = "1M"
[[feed]]
name = "jobs"
channels = "jobs:{id}"
event = "type"
rename = { "job.progress" = "progress" }
TOML

sub publish { $h->redis_publish(@_) }

# A stream that is known to be open: its greeting, or its header, is here.
my $sse = $h->sse('/jobs/one?n=7');
is $sse->status, 200, 'a stream is answered with 200';
is $sse->headers->{'content-type'}, 'text/event-stream; charset=utf-8', 'its type';
is $sse->headers->{'cache-control'}, 'no-cache, no-transform', 'caches keep out';
is $sse->headers->{'x-accel-buffering'}, 'no', 'so do buffering proxies';
is $sse->headers->{'transfer-encoding'}, 'chunked', 'HTTP/1.1 has chunks';
is $sse->next_block->{raw}, "retry: 3000\n\n", 'first the retry line';
is $sse->next_block->{raw}, qq(event: connected\ndata: {"type":"connected","id":"one","n":7}\n\n),
    'then the greeting, variables filled in';

publish('jobs:one', '{"type":"job.progress","n":1}');
my $event = $sse->next_event;
like $event->{raw}, qr/\Aid: [0-9a-f]{8}-\d+\nevent: progress\ndata: \{"type":"job.progress","n":1\}\n\n\z/,
    'an event has id, renamed name and its data untouched, in LF lines';

publish('jobs:one', '{ "b" : 1.50, "a": "\u00b5 µ" }');
$event = $sse->next_event;
is $event->{data}, '{ "b" : 1.50, "a": "\u00b5 µ" }', 'data is never re-serialised';
is $event->{event}, undef, 'without the member an event is unnamed';

publish('jobs:one', qq({\r\n  "type": "x",\n\r "n": 2\n}));
is $sse->next_event->{data}, '{    "type": "x",   "n": 2 }', 'CR and LF become spaces: one data line';

publish('jobs:two', '{"n":3}');
publish('jobs:one', '{"n":4}');
is $sse->next_event->{data}, '{"n":4}', 'other channels stay away';

# -- bare
my $bare = $h->sse('/bare/one');
publish('jobs:one', '{"n":5}');
is $bare->next_block->{raw}, qq(data: {"n":5}\n\n), 'no retry, no ids, no greeting: bare data frames';
is $sse->next_event->{data}, '{"n":5}', 'the other transport settings live side by side';

# -- several channels keep the order of their ids
my $both = $h->sse('/both');
publish($_ % 3 ? 'jobs:a' : 'jobs:b', qq({"n":$_})) for 1 .. 60;
my @events = $both->events(60);
is_deeply [map { $_->{data} } @events], [map { qq({"n":$_}) } 1 .. 60], 'two channels, one order';
my @seqs = map { $_->{id} =~ /-(\d+)$/ } @events;
is_deeply \@seqs, [sort { $a <=> $b } @seqs], 'their ids only grow';

# -- HTTP/1.0
my $old = $h->sse('/jobs/one?n=1', version => '1.0');
is $old->headers->{'transfer-encoding'}, undef, 'HTTP/1.0 has no chunks';
is $old->next_event->{event}, 'connected', 'but a stream';
publish('jobs:one', '{"n":6}');
is $old->next_event->{data}, '{"n":6}', 'with events';

# -- methods
my $head = $h->http(HEAD => '/jobs/one');
is $head->{status}, 200, 'HEAD is answered';
is $head->{headers}{'content-type'}, 'text/event-stream; charset=utf-8', 'with the stream\'s header';
is $head->{body}, '', 'and ends';
for my $method (qw(POST PUT DELETE OPTIONS)) {
    my $answer = $h->http($method => '/jobs/one', $method eq 'POST' ? (':body' => 'x' x 100) : ());
    is $answer->{status}, 405, "$method is not allowed";
    is $answer->{headers}{allow}, 'GET, HEAD', 'and told what is';
}
is $h->http(GET => '/websocket-only')->{status}, 426, 'SSE where only WebSocket is offered: 426';
is $h->http(GET => '/websocket-only')->{headers}{upgrade}, 'websocket', 'with Upgrade';

# -- names are literal
for my $name ('*', '%3F', '[a-z]', 'a*', '\\*', 'x%20y', '%F0%9F%90%87') {
    my $stream = $h->sse("/bare/$name");
    is $stream->status, 200, "channel $name is a name";
    publish('jobs:abc', '{"n":7}');
    (my $plain = $name) =~ s/%(..)/chr hex $1/ge;
    publish("jobs:$plain", '{"mine":1}');
    is $stream->next_event->{data}, '{"mine":1}', 'and no pattern';
}
for my $name ('%0a', 'a%0db', 'a%00b', '%ff', 'x' x 4096, '%7f') {
    my $answer = $h->http(GET => "/bare/$name");
    is $answer->{status}, 400, 'not a channel: ' . substr($name, 0, 10);
}
like $h->http(GET => '/bare/%0a')->{body}, qr/^\{"detail":"a channel is 1 to 1024 bytes of UTF-8/, 'it says why';

# -- `if` keeps the stream
my $if = $h->sse('/if?x=1');
is $if->headers->{'x-seen'}, 'yes', 'an if block adds its header';
publish('jobs:a', '{"n":8}');
is $if->next_event->{data}, '{"n":8}', 'to a stream';

# -- clients that leave
my $left = $h->sse('/jobs/leaver?n=1');
publish('jobs:leaver', '{"n":1}');
$left->events(2);
$left->close;
my $half = $h->sse('/jobs/halved?n=1');
$half->stream->half_close;
is $half->ended, 'cut', 'a half-close counts as the end';
my $log = wait_for(sub { my $text = $h->read_file('herald.log'); $text =~ /leaver.*halved|halved.*leaver/s && $text },
    'both log lines');
like $log, qr{^GET /jobs/leaver 200 jobs:leaver sse 1 [0-9a-f]{8}-\d+ 0 0 client$}m, 'the log knows the stream';
like $log, qr{^GET /jobs/halved 200 jobs:halved sse 0 - 0 0 client$}m, 'and one without events';

$h->finish;
done_testing;

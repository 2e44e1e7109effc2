# herald_history as pollers use it: since, after, limit, order, gaps, ETag, and what happens without a sidecar.

use strict;
use warnings;
use JSON::PP qw(decode_json);
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
worker_processes 2;
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT2%% ssl http2;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        location ~ ^/jobs/(?<id>[^/]+)/events$ { herald_subscribe jobs:$id; herald_start all; }
        location ~ ^/jobs/(?<id>[^/]+)/history$ { herald_history jobs:$id; }
        location ~ ^/gzip/(?<id>[^/]+)$ {
            gzip on;
            gzip_min_length 1;
            gzip_types application/json;
            herald_history jobs:$id;
        }
        location = /page { ssi on; default_type text/html; root %%DIR%%; }
        location = /short { herald_history short:1; }
        location = /status { herald_status; }
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
time = "ts"
[[feed]]
name = "short"
channels = "short:{id}"
max_events = 3
TOML

# Until so many of the two workers have the sidecar.
sub wait_attached {
    my $count = shift;
    wait_for(sub { $count == (() = $h->http(GET => '/status')->{body} =~ /"attached":1/g) }, "$count attached workers");
}

# A poll with its body decoded; `raw` is the body as it came.
sub poll {
    my ($path, @headers) = @_;
    my $answer = $h->http(GET => $path, @headers);
    my $body = $answer->{status} == 304 ? {} : decode_json($answer->{body});
    return { %$body, answer => $answer, status => $answer->{status}, raw => $answer->{body} };
}
sub numbers { return [map { $_->{n} } @{ $_[0]{events} }] }

# Publishes n = first to last on a channel, a second of `ts` apart; returns their ids, once a stream has shown them.
sub publish {
    my ($id, $first, $last) = @_;
    for my $n ($first .. $last) {
        $h->redis_publish("jobs:$id", sprintf '{"type":"t","ts":"2026-11-21T10:%02d:%02d.500Z","n":%d}',
            $n / 60, $n % 60, $n);
    }
    my $sse = $h->sse("/jobs/$id/events");
    my @ids;
    while (my $event = $sse->next_event) {
        my ($n) = $event->{data} =~ /"n":(\d+)/ or next;
        push @ids, $event->{id} if $n >= $first;
        last if $n == $last;
    }
    return @ids;
}

# -- bad arguments, bad channels, bad methods
for my $since (qw(yesterday 2026-02-30T00:00:00Z %00 10:00)) {
    my $bad = $h->http(GET => "/jobs/a/history?since=$since");
    is $bad->{status}, 400, "since=$since is refused";
    is $bad->{body}, q({"detail":"Invalid 'since' timestamp format. Use ISO 8601 format."}), '  and why';
}
for my $after (qw(42 7F3A2C01-42 7f3a2c01-042)) {
    my $bad = $h->http(GET => "/jobs/a/history?after=$after");
    is $bad->{status}, 400, "after=$after is refused";
    is $bad->{body}, q({"detail":"Invalid 'after': expected an event id such as 7f3a2c01-42."}), '  and why';
}
for my $limit (qw(0 1001 -1 ten 1.5)) {
    my $bad = $h->http(GET => "/jobs/a/history?limit=$limit");
    is $bad->{status}, 400, "limit=$limit is refused";
    is $bad->{body}, q({"detail":"Invalid 'limit': expected a number from 1 to 1000."}), '  and why';
}
is $h->http(GET => '/jobs/%0a/history')->{status}, 400, 'a channel with a control character is refused';
for my $method (qw(POST PUT DELETE)) {
    my $bad = $h->http($method => '/jobs/a/history', $method eq 'POST' ? (':body' => 'x') : ());
    is $bad->{status}, 405, "$method is not allowed";
    is $bad->{headers}{allow}, 'GET, HEAD', '  and told what is';
}

# -- a channel that nobody has heard of
wait_attached(2);
my $none = poll('/jobs/nobody/history');
is $none->{status}, 200, 'an unknown channel is answered';
like $none->{raw},
    qr/\A\{"events":\[\],"count":0,"has_more":false,"last_event_id":null,"since":null,"timestamp":\d+\.\d{3}\}\z/,
    'with an empty list';
is $none->{answer}{headers}{'content-type'}, 'application/json', 'as JSON';
is $none->{answer}{headers}{'cache-control'}, 'no-cache', 'that caches ask for again';
ok abs($none->{timestamp} - time) < 600, 'the time is now, in seconds';
is poll('/jobs/nobody/history', 'If-None-Match' => $none->{answer}{headers}{etag})->{status}, 304,
    'nothing new is nothing new, also where there is nothing';

# -- the newest, in order
my @ids = publish('a', 1, 150);
my $newest = poll('/jobs/a/history');
is_deeply numbers($newest), [51 .. 150], 'without arguments the newest hundred come, in order';
is $newest->{count}, 100, 'counted';
ok $newest->{has_more}, 'there are older ones';
is $newest->{last_event_id}, $ids[-1], 'the last id is the newest event\'s';
is_deeply numbers(poll('/jobs/a/history?limit=2')), [149, 150], 'a limit takes the newest';
is_deeply numbers(poll('/jobs/a/history?since=&after=&limit=')), [51 .. 150], 'empty arguments are none';
is_deeply numbers(poll('/jobs/a/history?limit=1&limit=5')), [150], 'of repeated arguments the first counts';
my $all = poll('/jobs/a/history?limit=1000');
is_deeply numbers($all), [1 .. 150], 'a large limit takes all';
ok !$all->{has_more}, 'and there is no more';

# -- byte for byte
$h->redis_publish('jobs:bytes', $_) for '{ "b" : 1.50, "a": "\u00b5 µ" }', '[1, 2]', '"text"', qq({\n"x":1\r\n});
my $sse = $h->sse('/jobs/bytes/events');
my @shown = map { $_->{data} } $sse->events(4);
like poll('/jobs/bytes/history')->{raw}, qr/\A\{"events":\[\Q@{[join ',', @shown]}\E\],"count":4,/,
    'events are what the stream shows, byte for byte';

# -- since and after
is_deeply numbers(poll('/jobs/a/history?since=2026-11-21T10:02:25.500Z')), [146 .. 150], 'since is exclusive';
is_deeply numbers(poll('/jobs/a/history?since=2026-11-21T10:02:25.499Z&limit=2')), [145, 146],
    'with since the oldest behind it come first';
is_deeply numbers(poll('/jobs/a/history?since=2026-11-21T11%3A02%3A25.5%2B01%3A00')), [146 .. 150], 'offsets count';
is_deeply numbers(poll('/jobs/a/history?since=2026-11-21T11:02:25.5+01:00')), [146 .. 150], 'also with a bare plus';
my $epoch = 1795255345.5;    # 2026-11-21T10:02:25.5Z
my $since = poll("/jobs/a/history?since=$epoch");
is_deeply numbers($since), [146 .. 150], 'epoch seconds, too';
is $since->{since}, "$epoch", 'since comes back as a string';
is poll('/jobs/a/history?since=2026-11-21T10%3a00:00Z')->{since}, '2026-11-21T10:00:00Z', 'decoded';

is_deeply numbers(poll("/jobs/a/history?after=$ids[139]")), [141 .. 150], 'after is exclusive';
is_deeply numbers(poll("/jobs/a/history?after=$ids[0]&limit=3")), [2, 3, 4], 'and goes forward';
is_deeply numbers(poll("/jobs/a/history?after=$ids[139]&since=2026-11-21T10:02:25.500Z")), [146 .. 150],
    'since and after hold both';
my $end = poll("/jobs/a/history?after=$ids[-1]");
is_deeply $end->{events}, [], 'behind the newest there is nothing';
is $end->{last_event_id}, undef, 'which has no last id';
ok !exists $end->{gap}, 'and is no gap';

# Walking forward from the first event meets every event once.
my ($at, @walked) = ("after=$ids[0]");
while (1) {
    my $page = poll("/jobs/a/history?$at&limit=40");
    push @walked, @{ numbers($page) };
    last unless $page->{has_more};
    $at = "after=$page->{last_event_id}";
}
is_deeply \@walked, [2 .. 150], 'pages follow each other without hole or repeat';

# -- gaps
my ($log) = $ids[0] =~ /^([0-9a-f]{8})/;
my $other = $log eq '00000001' ? '00000002' : '00000001';
my $unknown = poll("/jobs/a/history?after=$other-5&limit=1");
is_deeply numbers($unknown), [1], 'an unknown id starts with the oldest there is';
is $unknown->{gap}{type}, 'gap', 'and tells a gap';
is $unknown->{gap}{reason}, 'unknown_id', 'with its reason';
is $unknown->{gap}{from}, "$other-5", 'from the id';
like $unknown->{gap}{to}, qr/^$log-\d+$/, 'to one of this log';
is poll("/jobs/a/history?after=$log-999999999")->{gap}{reason}, 'unknown_id', 'an id of the future is unknown';

$h->redis_publish('short:1', '{"n":1}');
my $pruned = wait_for(sub { poll('/short')->{last_event_id} }, 'the first event');
$h->redis_publish('short:1', qq({"n":$_})) for 2 .. 10;
my $behind = wait_for(sub { my $page = poll("/short?after=$pruned"); $page->{gap} && numbers($page)->[-1] == 10 && $page }, 'the index to be pruned');
is $behind->{gap}{reason}, 'evicted', 'pruned events behind after are a gap';
is $behind->{gap}{from}, $pruned, 'behind it';
is_deeply numbers($behind), [8 .. 10], 'before what was kept';

# -- what a stream has just shown is in the answer, whichever worker is asked
my $live = $h->sse('/jobs/live/events');
my $missing = 0;
for my $n (1 .. 200) {
    $h->redis_publish('jobs:live', qq({"n":$n}));
    $live->next_event;
    my $page = poll('/jobs/live/history?limit=1');
    ++$missing if $page->{events}[0]{n} != $n;
}
is $missing, 0, 'a poll right after the stream has the event';

# -- ETag
my $first = poll('/jobs/a/history?limit=5');
my $tag = $first->{answer}{headers}{etag};
like $tag, qr{^W/"[^"]+"$}, 'an answer has a weak tag';
for my $header ($tag, $tag =~ s{^W/}{}r, qq("x", $tag), '*') {
    my $same = poll('/jobs/a/history?limit=5', 'If-None-Match' => $header);
    is $same->{status}, 304, "nothing new for $header";
    is $same->{answer}{headers}{etag}, $tag, '  with the tag';
    is $same->{raw}, '', '  without a body';
}
is poll('/jobs/a/history?limit=6', 'If-None-Match' => $tag)->{status}, 200, 'other arguments are another answer';
is poll('/jobs/b/history?limit=5', 'If-None-Match' => $tag)->{status}, 200, 'and so is another channel';
publish('c', 1, 5);
is poll('/jobs/a/history?limit=5', 'If-None-Match' => $tag)->{status}, 304, 'other channels\' events change nothing';
publish('a', 151, 151);
my $changed = poll('/jobs/a/history?limit=5', 'If-None-Match' => $tag);
is $changed->{status}, 200, 'a new event does';
is_deeply numbers($changed), [147 .. 151], 'and is there';
isnt $changed->{answer}{headers}{etag}, $tag, 'with another tag';

# Out of the ring, the index knows it still.
publish('old', 1, 3);
my $old = poll('/jobs/old/history')->{answer}{headers}{etag};
$h->redis_publish('jobs:noise', '{"x":"' . 'y' x 100_000 . '"}') for 1 .. 15;
publish('noise', 1, 1);
is poll('/jobs/old/history', 'If-None-Match' => $old)->{status}, 304, '304 also for what has left the ring';
is_deeply numbers(poll('/jobs/old/history')), [1 .. 3], 'where the index has it';

# -- HEAD, HTTP versions, gzip, keepalive, subrequests
my $head = $h->http(HEAD => '/jobs/c/history');
is $head->{status}, 200, 'HEAD is answered';
is $head->{headers}{'content-length'}, length poll('/jobs/c/history')->{raw}, 'with the length of the body';
is poll('/jobs/c/history', ':version' => '1.0')->{count}, 5, 'HTTP/1.0';
my ($status, $output) =
    $h->curl('--http2', 'https://localhost:' . $h->port('PORT2') . '/jobs/c/history?limit=2');
like $output, qr/"count":2,/, 'HTTP/2';
is $h->http(GET => '/gzip/c', 'Accept-Encoding' => 'gzip')->{headers}{'content-encoding'}, 'gzip', 'gzip';

my $keepalive = $h->connect;
$keepalive->write(join '', map { "GET /jobs/c/history?limit=$_ HTTP/1.1\r\nHost: x\r\n\r\n" } 1 .. 4);
for my $n (1 .. 4) {
    my (undef, $headers) = Herald::Http::read_head($keepalive);
    my $body = Herald::Http::read_body($keepalive, 'GET', 200, $headers);
    is decode_json($body)->{count}, $n, "pipelined request $n of one connection";
}
$h->write_file('page', '[<!--# include virtual="/jobs/c/history?limit=1" -->|<!--# include virtual="/jobs/c/history?limit=2" -->]');
like $h->http(GET => '/page')->{body}, qr/\A\[\{"events":.*"count":1,.*\}\|\{"events":.*"count":2,.*\}\]\z/s,
    'subrequests';
my $part = poll('/jobs/c/history?limit=1')->{answer}{headers}{etag};
like $h->http(GET => '/page', 'If-None-Match' => $part)->{body}, qr/\A\[\{"events":/, 'are never unmodified';

# -- a restarted sidecar, and none
my $before = poll('/jobs/a/history?limit=7');
$h->kill_sidecar;
wait_attached(0);
my $away = $h->http(GET => '/jobs/c/history');
is $away->{status}, 503, 'without a sidecar there is no history';
is $away->{body}, '{"detail":"History unavailable"}', 'which it says';
is $away->{headers}{'retry-after'}, '1', 'for a while';
$h->start_sidecar;
wait_attached(2);
my $again = poll('/jobs/a/history?limit=7');
is_deeply $again->{events}, $before->{events}, 'history survives the sidecar';
is $again->{last_event_id}, $before->{last_event_id}, 'ids, too';

# -- a sidecar that does not answer: clients that leave are forgotten, the others get 503
$h->process('sidecar')->signal('STOP');
my @leavers = map { $h->connect } 1 .. 100;
$_->write("GET /jobs/b/history HTTP/1.1\r\nHost: x\r\n\r\n") for @leavers;
$_->abort for @leavers[ 0 .. 49 ];
$_->close for @leavers[ 50 .. 99 ];
my $waiting = $h->connect;
$waiting->write("GET /jobs/b/history HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
like $waiting->read_all(30), qr{^HTTP/1.1 503 .*"History unavailable"}s, 'no answer in time is 503';
$h->process('sidecar')->signal('CONT');
is $h->http(GET => '/jobs/a/history', ':timeout' => 30)->{status}, 200, 'then it answers again';

$h->finish;
done_testing;

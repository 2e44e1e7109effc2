# herald_unknown: channels that nobody has heard of.

use strict;
use warnings;
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
events { worker_connections 1024; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    herald_unknown 404;
    server {
        listen 127.0.0.1:%%PORT%%;
        location ~ ^/jobs/(?<id>[^/]+)/stream$ { herald_subscribe jobs:$id; herald_unknown 404 'body={"detail":"Job $id not found"}'; }
        location ~ ^/jobs/(?<id>[^/]+)/events$ { herald_history jobs:$id; herald_unknown 404 'body={"detail":"Job $id not found"}'; }
        location ~ ^/flat/([^/]+)/stream$ { herald_subscribe flat:$1; }
        location ~ ^/two/([^/]+)/([^/]+)$ { herald_subscribe flat:$1 flat:$2; }
        location ~ ^/open/([^/]+)$ { herald_subscribe jobs:$1; herald_unknown allow; }
        location ~ ^/noise/([^/]+)$ { herald_subscribe noise:$1; herald_start last; herald_unknown allow; }
        location = /health { herald_health; }
    }
}
CONF
%%SIDECAR%%
[ring]
size = "64K"
[[feed]]
name = "jobs"
channels = "jobs:{id}"
jsonl = "runs/{id}/events.jsonl"
[[feed]]
name = "flat"
channels = "flat:{id}"
jsonl = "flat/{id}.jsonl"
[[feed]]
name = "noise"
channels = "noise:{id}"
TOML
wait_for(sub { $h->http(GET => '/health')->{status} == 200 }, 'the sidecar');

sub get { my ($path) = @_; my $answer = $h->http(GET => $path); return "$answer->{status} $answer->{body}" }
sub opens { my ($path, $what) = @_; my $sse = $h->sse($path); is $sse->status, 200, $what; return $sse }

# -- never heard of
is get('/jobs/1/stream'), '404 {"detail":"Job 1 not found"}', 'a stream of a channel without an event';
is get('/jobs/1/events'), '404 {"detail":"Job 1 not found"}', 'its history, too';
is get('/flat/1/stream'), '404 {"detail":"Not Found"}', 'without a body of its own';
is get('/jobs/a%22b/stream'), '404 {"detail":"Job a\"b not found"}', 'variables in the body are escaped';
is $h->http(GET => '/jobs/1/stream', Upgrade => 'websocket', Connection => 'Upgrade', 'Sec-WebSocket-Version' => 13,
    'Sec-WebSocket-Key' => 'dGhlIHNhbXBsZSBub25jZQ==')->{status}, 404, 'WebSocket likewise';
is $h->http(HEAD => '/jobs/1/stream')->{status}, 404, 'and HEAD';
my $open = opens('/open/1', 'where it is allowed, it is a stream');

# -- heard of
$h->redis_publish('jobs:1', '{"n":1}');
$open->next_event;
my $sse = opens('/jobs/1/stream', 'with its first event it is known');
$h->redis_publish('jobs:1', '{"n":2}');
is $sse->next_event->{data}, '{"n":2}', 'and delivered';
is $h->http(GET => '/jobs/1/events')->{status}, 200, 'its history, too';
is get('/jobs/2/stream'), '404 {"detail":"Job 2 not found"}', 'others are still unknown';

# -- past the ring
my $probe = $h->sse('/noise/1');
$probe->next_block;
for (1 .. 100) {    # one by one, so that none overtakes the worker
    $h->redis_publish('noise:1', '"' . 'x' x 1000 . '"');
    $probe->next_event;
}
opens('/jobs/1/stream', 'what the ring has lost the index knows');
is get('/jobs/2/stream'), '404 {"detail":"Job 2 not found"}', 'what it never had it does not know';

# -- by their folders
mkdir $h->path('state/runs') unless -d $h->path('state/runs');
mkdir $h->path('state/runs/3') or die $!;
opens('/jobs/3/stream', 'a channel whose folder exists is known');
is $h->http(GET => '/jobs/3/events')->{status}, 200, 'its history, too, without an event';
mkdir $h->path('state/flat') or die $!;
is get('/flat/7/stream'), '404 {"detail":"Not Found"}', 'a folder that channels share says nothing';
$h->write_file('state/flat/7.jsonl', '');
opens('/flat/7/stream', 'but the file does');
opens('/two/7/8', 'of several channels one suffices');
is get('/two/8/9'), '404 {"detail":"Not Found"}', 'and none does not';

# -- without the sidecar
$h->stop_sidecar;
wait_for(sub { $h->http(GET => '/health')->{status} == 503 }, 'the sidecar to be away');
is get('/jobs/4/stream'), '503 {"detail":"Herald\'s sidecar is away"}', 'nobody to ask: 503';
is $h->http(GET => '/jobs/4/events')->{status}, 503, 'history likewise';
$h->start_sidecar;
wait_for(sub { $h->http(GET => '/health')->{status} == 200 }, 'the sidecar');
opens('/jobs/1/stream', 'with the next one it goes on');

for my $bad (['herald_unknown maybe;', qr/"herald_unknown" knows allow and 404, not "maybe"/],
    ['herald_unknown 404; herald_unknown 404;', qr/"herald_unknown" is duplicate/],
    [q(herald_unknown allow 'body={}';), qr/"herald_unknown" takes body=JSON behind 404/],
    [q(herald_unknown 404 'body={"a}';), qr/"herald_unknown" has a body that is no JSON/]) {
    my ($code, $output) = nginx_t("events {} http { server { listen 127.0.0.1:%%PORT%%; $bad->[0] } }");
    isnt $code, 0, "nginx -t refuses $bad->[0]";
    like $output, $bad->[1], 'and says why';
}

$h->finish;
done_testing;

# conf.d/p66.* as shipped: what the document's curl lines, and programs such as the service's own, see of it.

use strict;
use warnings;
use JSON::PP;
use Test::More;
use Herald;
use Herald::Jwt;
use Herald::Shipped;

my $token = 'default-admin-token-change-me';    # as the document has it; nothing is built in
my @PORTS = (ports => { 8008 => 'PORT' });
my %env = (ADMIN_TOKEN => $token, TZ => 'UTC');
my @bearer = (Authorization => "Bearer $token");
my $h = Herald->new(shipped('p66', @PORTS), env => \%env);
wait_for(sub { $h->http(GET => '/healthz')->{status} == 200 }, 'the sidecar');

sub events_path { return "/api/v1/jobs/$_[0]/events" . ($_[1] // '') }
sub stream_path { return "/api/v1/jobs/$_[0]/events/stream" }
sub open_streams {
    my $all = decode_json($h->http(GET => '/herald/status')->{body})->{streams};
    return $all->{sse} + $all->{websocket};
}
sub await_streams { my ($count) = @_; wait_for(sub { open_streams() == $count }, "$count open streams") }
# As json.dumps writes it.
sub message {
    my ($type, %o) = @_;
    my %text = (ts => '"2025-01-01T00:00:00Z"', stage => '"script"', status => '"running"', message => '"At work"', payload => '{"done": 5}', %o);
    return qq({"ts": $text{ts}, "type": "$type", "stage": $text{stage}, "status": $text{status}, "message": $text{message}, "payload": $text{payload}});
}
sub publish { return $h->redis_publish("jobs:$_[0]", $_[1]) }
my $time = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00/;
sub connected {
    my ($job) = @_;
    return qr/\Adata: \{"ts":"$time","type":"connected","stage":null,"status":null,"message":"Connected to job $job event stream","payload":\{"job_id":"$job","operator":"admin"\}\}\n\n\z/;
}
sub answer_of { my $answer = $h->http(GET => @_); return "$answer->{status} $answer->{body}" }

# -- a job that nobody knows
for my $path (stream_path('j1'), events_path('j1')) {
    is answer_of($path, @bearer), '404 {"detail":"Job j1 not found"}', "$path: unknown";
    is answer_of($path, @bearer, Accept => 'text/event-stream'), '404 {"detail":"Job j1 not found"}', '  to whoever speaks SSE, too';
}
mkdir $h->path('state/runs') unless -d $h->path('state/runs');
mkdir $h->path('state/runs/j0') or die $!;
is $h->http(HEAD => stream_path('j0'), @bearer)->{status}, 200, 'one that has its folder is known';
is decode_json($h->http(GET => events_path('j0'), @bearer)->{body})->{count}, 0, '  without an event';

# -- the stream
publish('j1', message('job_created', stage => 'null', payload => 'null'));
my $file = 'state/runs/j1/events.jsonl';
wait_for(sub { $h->http(HEAD => stream_path('j1'), @bearer)->{status} == 200 }, 'the first event');
my $sse = $h->sse(stream_path('j1'), headers => {@bearer});
is $sse->status, 200, 'a job that has had an event';
is $sse->headers->{'content-type'}, 'text/event-stream; charset=utf-8', '  is a stream';
like $sse->headers->{'cache-control'}, qr/\bno-cache\b/, '  that nobody caches';
is $sse->headers->{connection}, 'keep-alive', '  and that stays';
like $sse->next_block->{raw}, connected('j1'), 'it begins with connected';
my @lines = (message('job_created', stage => 'null', payload => 'null'));
for my $type (qw(job_started stage_started stage_completed stage_failed gate_pause gate_approved gate_rejected gate_auto_approved job_canceled job_resumed
    job_failed patch_applied_direct artifact_created job_completed)) {
    push @lines, message($type, ts => sprintf '"2025-01-01T00:00:%02dZ"', scalar @lines);
    publish('j1', $lines[-1]);
    is $sse->next_block->{raw}, "data: $lines[-1]\n\n", "$type: unnamed and as it was published";
}
publish('j1', my $more = message('job_resumed', ts => '"2025-01-02T00:00:00Z"'));
push @lines, $more;
is $sse->next_block->{raw}, "data: $more\n\n", 'the stream outlives the job\'s completion';
my $known = $h->sse(stream_path('j1'), headers => { @bearer, Accept => 'text/event-stream' });
is $known->next_block->{raw}, "retry: 3000\n\n", 'who says that he speaks SSE';
like $known->next_block->{raw}, connected('j1'), '  is greeted';
push @lines, message('stage_started', ts => '"2025-01-02T00:00:01Z"'), message('stage_completed', ts => '"2025-01-02T00:00:02Z"');
publish('j1', $lines[-2]);
my $with = $known->next_event;
like $with->{raw}, qr/\Aid: [0-9a-f]{8}-\d+\ndata: \Q$lines[-2]\E\n\n\z/, '  gets ids';
publish('j1', $lines[-1]);
my $again = $h->sse(stream_path('j1'), headers => { @bearer, Accept => 'text/event-stream', 'Last-Event-ID' => $with->{id} });
like $again->next_event->{raw}, qr/"type":"connected"/, '  and when he comes back';
is $again->next_event->{data}, $lines[-1], '  what he has missed';
is $h->http(GET => '/ids/j1', @bearer)->{status}, 404, 'the other half of the stream has no address';
my $ws = $h->ws(stream_path('j1'), headers => {@bearer});
like $ws->next_text, qr/"type":"connected".*"operator":"admin"/, 'a WebSocket gets the same';
is $h->http(HEAD => stream_path('j1'), @bearer)->{status}, 200, 'HEAD';
is $h->http(POST => stream_path('j1'), @bearer)->{status}, 405, 'nothing else';
undef $_ for $sse, $known, $again, $ws;

# -- its file
wait_for(sub { $h->read_file($file) =~ /02T00:00:02Z/ }, 'the last line');
is $h->read_file($file), join('', map { "$_\n" } @lines), 'runs/j1/events.jsonl: each event as it was published, a line each';

# -- polling
sub poll { my ($query, @headers) = @_; return $h->http(GET => events_path('j1', $query), @bearer, @headers) }
my $polled = poll('');
is $polled->{status}, 200, 'polling';
is $polled->{headers}{'content-type'}, 'application/json', '  gives JSON';
like $polled->{body}, qr/\A\{"job_id":"j1","events":\[\Q$lines[0]\E,/, '  with the job\'s id and the events as they are';
my $all = decode_json($polled->{body});
is_deeply $all->{events}, [map { decode_json($_) } @lines], 'the same events in the same form, in order';
is $all->{count}, scalar @lines, '  counted';
is $all->{since}, undef, '  without since';
like $all->{timestamp}, qr/\A\d+\.\d+\z/, '  and with the time';
is_deeply [map { $_->{type} } @{ decode_json(poll('?limit=2')->{body})->{events} }], [qw(stage_started stage_completed)], 'limit: the newest, the oldest of them first';
my $since = decode_json(poll('?since=2025-01-02T00:00:00Z')->{body});
is_deeply [map { $_->{ts} } @{ $since->{events} }], ['2025-01-02T00:00:01Z', '2025-01-02T00:00:02Z'], 'since: what is later than that, not what is as late';
is $since->{since}, '2025-01-02T00:00:00Z', '  and it is said';
is_deeply [map { $_->{ts} } @{ decode_json(poll('?since=2025-01-02T01:00:00%2B01:00&limit=1')->{body})->{events} }], ['2025-01-02T00:00:01Z'], '  in another zone, with a limit: the first of them';
my $bad = poll('?since=yesterday');
is "$bad->{status} $bad->{body}", q(400 {"detail":"Invalid 'since' timestamp format. Use ISO 8601 format."}), 'a bad since is told';
is poll('?limit=0')->{status}, 400, 'a bad limit, too';
is poll('', 'If-None-Match' => $polled->{headers}{etag})->{status}, 304, 'a poll without news costs nothing';
is decode_json(poll('', 'If-None-Match' => 'W/"other"')->{body})->{job_id}, 'j1', '  one with news brings all';
publish('j1', my $old = '{"timestamp": "2025-01-03T00:00:00Z", "event_type": "job_started", "job_id": "j1"}');
wait_for(sub { decode_json(poll('?limit=1')->{body})->{events}[0]{event_type} }, 'an event of the other form');
pass 'events of the older form are taken as they are';

# -- what is kept of a job
publish('many', message('stage_started', message => qq("Number $_"))) for 1 .. 1005;
my $kept = wait_for(sub {
    my $page = decode_json($h->http(GET => events_path('many', '?since=2020-01-01T00:00:00Z&limit=1000'), @bearer)->{body});
    return @{ $page->{events} } == 1000 && $page->{events}[-1]{message} eq 'Number 1005' && $page;
}, 'the bound');
is $kept->{events}[0]{message}, 'Number 6', 'of 1005 events the newest 1000 can be asked for';
my $count = () = $h->read_file('state/runs/many/events.jsonl') =~ /\n/g;
is $count, 1005, '  and the file has them all';
my $checked = Herald::Process->new(name => 'check', log => $h->path('check.log'),
    command => [File::Spec->rel2abs($ENV{HERALD_BUILD} || 'build') . '/herald', 'check', $h->path('herald.toml')])->start;
is $checked->wait_exit, 0, 'herald check';
like $checked->output, qr/kept 30d, at most 1000 a channel/, '  says what is kept';

# -- who gets in
for my $path (stream_path('j1'), events_path('j1')) {
    is answer_of($path), '403 {"detail":"Not authenticated"}', "$path: nobody";
    is answer_of($path, Authorization => 'Bearer wrong'), '401 {"detail":"Invalid authentication token"}', '  a wrong token';
    is answer_of("$path?token=$token"), '403 {"detail":"Not authenticated"}', '  a token in the query is none';
    is answer_of($path, Authorization => "Basic $token"), '403 {"detail":"Not authenticated"}', '  nor is another scheme';
    is $h->http(HEAD => $path, Authorization => "bearer $token")->{status}, 200, '  the scheme in any case';
}
like $h->http(GET => events_path('j1'), Authorization => 'Bearer wrong')->{headers}{'www-authenticate'}, qr/\ABearer\b/, 'a wrong token is told what is wanted';
is answer_of(stream_path('secret')), '403 {"detail":"Not authenticated"}', 'without a token nobody learns which jobs there are';
my $page = $h->http(OPTIONS => stream_path('j1'), Origin => 'http://localhost:7860', 'Access-Control-Request-Method' => 'GET', 'Access-Control-Request-Headers' => 'authorization, cache-control');
is $page->{status}, 200, 'a page\'s preflight';
is $page->{headers}{'access-control-allow-origin'}, '*', '  from anywhere';
like $page->{headers}{'access-control-allow-headers'}, qr/Authorization.*Cache-Control/, '  with its headers';
is $h->sse(stream_path('j1'), headers => { @bearer, Origin => 'http://localhost:7860' })->headers->{'access-control-allow-origin'}, '*', '  and the stream';

# -- health
like answer_of('/healthz'), qr/\A200 \{"status":"healthy","timestamp":\d+\.\d+,"redis":"connected"\}\z/, 'the health is public';
is $h->http(HEAD => '/healthz')->{status}, 200, '  HEAD, too';

# -- the console
sub console {
    my ($job, $message, $line, $what) = @_;
    my $from = $h->log_size('sidecar');
    publish($job, $message);
    my $log = $h->wait_log('sidecar', qr/\[events\] Job \Q$job\E.*\n/, from => $from);
    my ($got) = $log =~ /^(.*\[events\] Job .*)$/m;
    like $got, qr/\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \Q$line\E\z/, $what;
}
console('c1', message('stage_started', payload => '{"tool": "gpt", "tries": 2, "cost": 0.5, "ok": true, "x": null, "more": {"a": 1}, "all": [1], "text": "' . 'x' x 100 . '"}'),
    '[events] INFO: [events] Job c1 | Stage: script | Status: running | Type: stage_started | Message: At work'
    . ' | Payload: tool: gpt, tries: 2, cost: 0.5, ok: True, x: <NoneType>, more: <dict>, all: <list>, text: <str>', 'the console line');
console('c2', message('job_created', stage => 'null', status => 'null', message => '""', payload => '{}'), '[events] INFO: [events] Job c2 | Type: job_created', '  without what the event has not');
console('c3', message($_, status => 'null', message => '""', payload => 'null'), "[events] ERROR: [events] Job c3 | Stage: script | Type: $_", "  $_ is an error") for qw(error stage_failed job_failed);
console('c4', message($_, status => 'null', message => '""', payload => 'null'), "[events] WARNING: [events] Job c4 | Stage: script | Type: $_", "  $_ a warning") for qw(warning gate_rejected);
console('c5', message('heartbeat', stage => 'null', status => 'null', message => '""', payload => 'null'), '[events] DEBUG: [events] Job c5 | Type: heartbeat', '  heartbeat is for debugging');
console('c6', message('job_failed', stage => 'null', status => 'null', message => '"a\\nb\\u001b[1m"', payload => 'null'), '[events] ERROR: [events] Job c6 | Type: job_failed | Message: a\\nb\\x1b[1m', '  nothing can forge a line');

# -- the document's lines, whose {job_id} curl takes for job_id
my @port = (ports => { 8008 => $h->port });
publish('job_id', message('job_created'));
wait_for(sub { $h->http(GET => events_path('job_id'), @bearer)->{status} == 200 }, 'the job');
is_deeply decode_json(run_line($h, <<'LINE', @port)->read_all)->{events}, [decode_json(message('job_created'))], 'curl polls';
# Create a job first, then test events
curl -H "Authorization: Bearer default-admin-token-change-me" \
     "http://127.0.0.1:8008/api/v1/jobs/{job_id}/events"
LINE
is decode_json(run_line($h, <<'LINE', @port)->read_all)->{since}, '2025-01-01T00:00:00Z', '  with since';
# Test with since parameter
curl -H "Authorization: Bearer default-admin-token-change-me" \
     "http://127.0.0.1:8008/api/v1/jobs/{job_id}/events?since=2025-01-01T00:00:00Z"
LINE
await_streams(0);
my $curl = run_line($h, <<'LINE', @port, replace => ['curl -H', 'curl -N -H']);
curl -H "Authorization: Bearer default-admin-token-change-me" \
     "http://127.0.0.1:8008/api/v1/jobs/{job_id}/events/stream"
LINE
like $curl->read_until(qr/\n\n/), connected('job_id'), 'curl is connected';
publish('job_id', message('job_started'));
is $curl->read_until(qr/\n\n/), 'data: ' . message('job_started') . "\n\n", '  and streams';
$curl->close;
await_streams(0);

# -- clients in Python, as the service's own are
my $follower = run_client($h, 'p66_sse.py', @port, env => \%env);
like $follower->read_until(qr/connected.*\n/), qr{\A200 text/event-stream; charset=utf-8\nconnected None Connected to job job_id event stream\n\z}, 'aiohttp is connected';
my $poller = run_client($h, 'p66_poll.py', @port, env => \%env);
is $poller->read_until(qr/\n/), "job_created At work\n", 'requests polls what has been';
publish('job_id', message('stage_started', ts => '"2025-01-01T00:00:01Z"', message => '"Writing"'));
publish('job_id', message('job_completed', ts => '"2025-01-01T00:00:02Z"', stage => 'null', message => '"Done"'));
is $follower->read_until(qr/job_completed.*\n/), "stage_started script Writing\njob_completed None Done\n", 'aiohttp gets the events';
is $poller->read_all, "stage_started Writing\njob_completed Done\n", 'requests, too';
is $follower->read_all, '', '  and both end';

# -- Redis goes away and comes back
await_streams(0);
$sse = $h->sse(stream_path('j1'), headers => {@bearer});
like $sse->next_block->{raw}, connected('j1'), 'a stream';
$h->stop_redis;
my $lost = $sse->next_event->{raw};
$lost = $sse->next_event->{raw} while $lost =~ /heartbeat/;
like $lost, qr/\Adata: \{"ts":"$time","type":"error","stage":null,"status":null,"message":"Redis connection error","payload":\{"error":"Redis unavailable"\}\}\n\n\z/, 'Redis goes: an event says so';
is $h->http(GET => stream_path('j1'), @bearer)->{status}, 503, '  new streams are refused';
is poll('?limit=1')->{status}, 200, '  polling goes on';
like answer_of('/healthz'), qr/\A503 \{"status":"unhealthy","timestamp":\d+\.\d+,"redis":"disconnected"/, '  and the health is bad';
$h->start_redis;
wait_for(sub { $h->http(GET => '/healthz')->{status} == 200 }, 'Redis to be back');
publish('j1', message('job_resumed'));
my $back = $sse->next_event->{data};
$back = $sse->next_event->{data} while $back =~ /heartbeat|"gap"/;
is $back, message('job_resumed'), 'when it is back the stream goes on';
$sse->close;

# -- a slow consumer
publish('slow', message('job_started'));
wait_for(sub { $h->http(HEAD => stream_path('slow'), @bearer)->{status} == 200 }, 'the job');
my $slow = $h->sse(stream_path('slow'), headers => {@bearer}, rcvbuf => 4096);
my $witness = $h->sse(stream_path('slow'), headers => {@bearer});
publish('slow', message('stage_started', payload => qq({"n": $_, "fill": ") . 'x' x 4000 . '"}')) for 1 .. 2000;
1 until $witness->next_event->{data} =~ /"n": 2000,/;
my ($gaps, $last, $order) = (0, 0, 1);
while ($last < 2000 && (my $event = $slow->next_event)) {
    ++$gaps if $event->{data} =~ /"gap"/;
    my ($n) = $event->{data} =~ /"n": (\d+)/ or next;
    $order &&= $n > $last;
    $last = $n;
}
ok $gaps && $order && $last == 2000, 'a slow consumer loses the oldest events, is told so, and gets the newest in order';
$_->close for $slow, $witness;
unlike $h->access_log . $h->error_log . $h->sidecar_log, qr/\Q$token\E/, 'no token is in a log';
$h->finish;

# -- the beat, in milliseconds in place of the conf's 5 s
$h = Herald->new(shipped('p66', @PORTS, replace => ['herald_keepalive 5s', 'herald_keepalive 200ms']), env => \%env);
wait_for(sub { $h->http(GET => '/healthz')->{status} == 200 }, 'the sidecar');
mkdir $h->path('state/runs') unless -d $h->path('state/runs');
mkdir $h->path('state/runs/beat') or die $!;
for my $accept ('*/*', 'text/event-stream') {
    my $beat = $h->sse(stream_path('beat'), headers => { @bearer, Accept => $accept });
    like $beat->next_event->{data}, qr/"connected"/, "connected ($accept)";
    like $beat->next_event->{data}, qr/\A\{"ts":"$time","type":"heartbeat","stage":null,"status":null,"message":"Server alive","payload":\{"timestamp":"$time"\}\}\z/, '  and the heart beats';
    publish('beat', message('job_started'));
    my $event;
    do { $event = $beat->next_event } while $event->{data} =~ /heartbeat/;
    is $event->{data}, message('job_started'), '  events come between';
    like $beat->next_event->{data}, qr/heartbeat/, '  and it beats on';
}
$h->finish;

# -- nothing configured
$h = Herald->new(shipped('p66', @PORTS), env => { ADMIN_TOKEN => undef }, redis => 0, sidecar => 0);
is answer_of(stream_path('j1'), @$_), '503 {"detail":"Authentication is not configured"}', 'without ADMIN_TOKEN nobody gets in' for [], [@bearer];
$h->finish;
done_testing;

# conf.d/trafalgar.* as shipped: what the documents' curl lines and programs, and the services' other clients, see of it.

use strict;
use warnings;
use JSON::PP;
use Test::More;
use Herald;
use Herald::Jwt;
use Herald::Shipped;

my $HERALD = File::Spec->rel2abs($ENV{HERALD_BUILD} || 'build') . '/herald';
my @PORTS = (ports => { 8000 => 'PORT', 8001 => 'PORT2' });
my $render = 'a-token-for-render';
my $ingest = 'a-token-for-ingest';
my $dir = File::Temp->newdir;
sub credential_file {
    open my $file, '>', "$dir/credentials.json" or die $!;
    print $file $_[0];
    close $file or die $!;
    return "$dir/credentials.json";
}
my %env = (
    ONEPIECE_INGEST_REGISTRY => "$dir/ingest_runs.json",
    TRAFALGAR_SERVICE_CREDENTIALS => json_text([
        { id => 'render', token => $render, roles => ['render:read'] },
        { name => 'ingest', bearer_token => $ingest, scopes => 'ingest:read review:read' },
        { identifier => 'old', oauth_token => 'an-old-token', roles => ['ROLE_RENDER_READ', 'ROLE_INGEST_READ'] },
        { id => 'farm', key => 'farm-key', secret => 'farm-secret', roles => ['render:read'] },
        { id => 'open', api_key => 'open-key', roles => ['render:read'] },
        { id => 'broken', roles => ['render:read'] },
    ]),
    TRAFALGAR_SERVICE_CREDENTIAL_FILE => credential_file(json_text(
        { suite => { key => 'suite', api_secret => 'suite-secret', token => 'a-token-of-the-file', roles => ['render:read', 'ingest:read'] } })));

my $h = Herald->new(shipped('trafalgar', @PORTS), env => \%env);
my %port = (8000 => $h->port, 8001 => $h->port('PORT2'));
wait_for(sub { $h->http(GET => '/healthz')->{status} == 200 }, 'the sidecar');

sub bearer { return (Authorization => "Bearer $_[0]") }
sub open_streams {
    my $all = decode_json($h->http(GET => '/herald/status')->{body})->{streams};
    return $all->{sse} + $all->{websocket};
}
# A client that the test only hears of: until it is there.
sub await_streams { my ($count) = @_; wait_for(sub { open_streams() == $count }, "$count open streams") }

my $created = '{"event": "job.created", "job": {"job_id": "stub-1", "status": "queued", "farm": "mock", "farm_type": "stub", "message": null}}';
my $updated = '{"event": "job.updated", "job": {"job_id": "mock-42", "status": "running"}}';
my $run = '{"event": "run.updated", "run": {"id": "run-7", "status": "completed"}}';

# -- SSE: every spelling, on the ports of the documents
for my $case (['/render/jobs/stream', 8000, 'trafalgar:render', $updated, $render], ['/jobs/stream', 8000, 'trafalgar:render', $created, $render],
    ['/ingest/runs/stream', 8001, 'trafalgar:ingest', $run, $ingest], ['/runs/stream', 8001, 'trafalgar:ingest', $run, $ingest])
{
    my ($path, $port, $channel, $event, $token) = @$case;
    my $sse = $h->sse($path, port => $port{$port}, headers => { bearer($token) });
    is $sse->status, 200, "$path: a stream";
    is $sse->headers->{'content-type'}, 'text/event-stream; charset=utf-8', '  of its type';
    $h->redis_publish($channel, $event);
    $h->redis_publish($channel, '{"second": true}');
    is $sse->next_block->{raw}, "data: $event\n\n", '  whose frames are bare: nothing first, no name, no id';
    is $sse->next_block->{raw}, qq(data: {"second": true}\n\n), '  and all of them';
    my $known = $h->sse($path, port => $port{$port}, headers => { bearer($token), Accept => 'text/event-stream' });
    is $known->next_block->{raw}, "retry: 3000\n\n", '  who says that he speaks SSE';
    $h->redis_publish($channel, $event);
    my $with = $known->next_event;
    like $with->{raw}, qr/\Aid: [0-9a-f]{8}-\d+\ndata: \Q$event\E\n\n\z/, '  gets ids';
    $h->redis_publish($channel, '{"missed": 1}');
    my $again = $h->sse($path, port => $port{$port}, headers => { bearer($token), Accept => 'text/event-stream', 'Last-Event-ID' => $with->{id} });
    is $again->next_event->{data}, '{"missed": 1}', '  and resumes';
    is $h->http(HEAD => $path, bearer($token))->{status}, 200, '  HEAD';
    is $h->http(POST => $path, bearer($token))->{status}, 405, '  nothing else';
}
is $h->http(GET => '/render/jobs/stream/ids', bearer($render))->{status}, 404, 'the other half of the stream has no address';

# -- WebSocket
for my $path ('/render/jobs/ws', '/jobs/ws') {
    my $ws = $h->ws("$path?token=$render");
    is $ws->status, 101, "$path: a WebSocket";
    is $ws->next_text, '{"type":"connected"}', '  that says so';
    $h->redis_publish('trafalgar:render', $updated);
    is $ws->next_text, $updated, '  and gives events as they are';
}
for my $path ('/ingest/runs/ws', '/runs/ws') {
    my $ws = $h->ws("$path?token=$ingest", port => $port{8001});
    is $ws->status, 101, "$path: a WebSocket";
    await_streams(open_streams());
    $h->redis_publish('trafalgar:ingest', $run);
    is $ws->next_text, $run, '  without a first frame';
}
is $h->http(GET => '/jobs/ws', bearer($render))->{status}, 426, 'no WebSocket without its handshake';
is $h->ws('/jobs/stream', headers => { bearer($render) })->status, 400, 'none at the SSE address either';

# -- who gets in
sub refused {
    my ($path, $headers, $status, $detail, $what) = @_;
    my $answer = $h->http(GET => $path, @$headers);
    is "$answer->{status} $answer->{body}", qq($status {"detail":"$detail"}), $what;
    is $answer->{headers}{'content-type'}, 'application/json', '  as JSON';
}
sub admitted {
    my ($path, $headers, $what) = @_;
    is $h->http(HEAD => $path, @$headers)->{status}, 200, $what;
}
admitted('/jobs/stream', [Authorization => "bearer $render"], 'the scheme in any case');
admitted("/jobs/stream?token=$render", [], 'a token in the query');
admitted('/jobs/stream', ['X-API-Key' => 'farm-key', 'X-API-Secret' => 'farm-secret'], 'an API key and its secret');
admitted('/jobs/stream', ['X-API-Key' => 'open-key'], 'an API key without one');
admitted('/jobs/stream', ['X-API-Key' => 'open-key', 'X-API-Secret' => ''], '  or with an empty one');
admitted($_, [bearer('a-token-of-the-file')], "the file's token: $_") for '/jobs/stream', '/runs/stream';
admitted('/runs/stream', ['X-API-Key' => 'suite', 'X-API-Secret' => 'suite-secret'], "the file's key");
admitted($_, [bearer('an-old-token')], "ROLE_ names: $_") for '/jobs/stream', '/runs/stream';
admitted('/jobs/stream', [bearer($render), 'X-API-Key' => 'nonsense'], 'the bearer token wins over the key');
my $missing = 'Authentication credentials were not provided.';
refused($_, [], 401, $missing, "nobody: $_") for '/jobs/stream', '/render/jobs/stream', '/runs/stream', '/ingest/runs/stream', '/jobs/ws', '/runs/ws';
refused('/jobs/stream', [Accept => 'text/event-stream'], 401, $missing, 'nobody who speaks SSE');
refused('/jobs/stream', [Authorization => 'Basic eDp5'], 401, $missing, 'another scheme');
refused('/jobs/stream', [bearer('wrong')], 401, 'Invalid bearer token.', 'a wrong token');
refused('/jobs/stream?token=wrong', [], 401, 'Invalid bearer token.', 'one in the query');
refused('/jobs/stream', [bearer('wrong'), 'X-API-Key' => 'open-key'], 401, 'Invalid bearer token.', 'whose key is not tried');
refused('/jobs/stream', ['X-API-Key' => 'wrong'], 401, 'Invalid API credentials.', 'a wrong key');
refused('/jobs/stream', ['X-API-Key' => 'farm-key', 'X-API-Secret' => 'wrong'], 401, 'Invalid API credentials.', 'a wrong secret');
refused('/jobs/stream', ['X-API-Key' => 'farm-key'], 401, 'Invalid API credentials.', 'no secret');
refused('/jobs/stream', ['X-API-Key' => 'open-key', 'X-API-Secret' => 'x'], 401, 'Invalid API credentials.', 'a secret too many');
for my $token ('review-token', 'demo-dashboard-token') {
    refused('/jobs/stream', [bearer($token)], 401, 'Invalid bearer token.', "$token: nothing is built in");
}
refused('/jobs/stream', ['X-API-Key' => 'suite-key', 'X-API-Secret' => 'suite-secret'], 401, 'Invalid API credentials.', 'nor are keys');
my $role = 'Caller is missing required roles.';
refused('/runs/stream', [bearer($render)], 401, $role, 'a token without the role: 401, as the walkthrough says');
refused('/runs/stream', [bearer($render), Accept => 'text/event-stream'], 401, $role, '  for whoever speaks SSE, too');
refused('/render/jobs/stream', [bearer($ingest)], 401, $role, '  the other way round');
is $h->ws('/jobs/ws?token=wrong')->status, 401, 'a handshake is refused before it is one';
is $h->ws('/jobs/ws')->body, qq({"detail":"$missing"}), '  with the reason';
is $h->ws("/runs/ws?token=$render")->status, 401, '  the role, too';
unlike $h->access_log . $h->error_log, qr/\Q$render\E|\Q$ingest\E|farm-secret|suite-secret/, 'no token is in a log';
like $h->process('nginx')->output, qr/\[warn\].*entry 6 has neither a key nor a token/, 'an entry that cannot be used is told';

# -- health
is $h->http(HEAD => '/healthz')->{status}, 200, 'HEAD /healthz needs no token';
is $h->http(GET => '/healthz', ':port' => $port{8001})->{body}, '{"status":"healthy","redis":"connected"}', 'nor does GET, on either port';

# -- the documents' own programs and lines
my %token = (env => { TRAFALGAR_TOKEN => $render }, ports => { 8000 => $port{8000} });
sub quiet { wait_for(sub { open_streams() == 0 }, 'no open streams') }
sub first_line_of {
    my ($client, $channel, $event) = @_;
    await_streams(1);
    $h->redis_publish($channel, $event);
    return $client->read_until(qr/\n/);
}
quiet();
my $client = run_client($h, 'trafalgar_render_sse.py', %token);
is first_line_of($client, 'trafalgar:render', $updated), "$updated\n", 'the httpx client prints what was published';
$client->close;
quiet();
for my $connected ("{'type': 'connected'}\n") {
    $client = run_client($h, 'trafalgar_render_ws.py', %token);
    is $client->read_until(qr/\n/), $connected, 'the websockets client is connected';
    is first_line_of($client, 'trafalgar:render', $updated), "{'event': 'job.updated', 'job': {'job_id': 'mock-42', 'status': 'running'}}\n", '  and prints events';
    $client->close;
    quiet();
}
$client = run_client($h, 'trafalgar_ingest_ws.py', env => { TRAFALGAR_TOKEN => $ingest }, ports => { 8001 => $port{8001} });
is first_line_of($client, 'trafalgar:ingest', $run), "{'event': 'run.updated', 'run': {'id': 'run-7', 'status': 'completed'}}\n", 'that of ingest runs, too';
$client->close;
quiet();

my $output = $h->path('build/render-events.jsonl');
$client = run_client($h, 'render_sse_recorder.py', %token, arguments => ['--output', $output, '--base-url', "http://localhost:$port{8000}"]);
is first_line_of($client, 'trafalgar:render', '{"event":"job.updated","job":{"job_id":"mock-42"}}'), "{'event': 'job.updated', 'job': {'job_id': 'mock-42'}}\n", 'the recorder records';
is $h->read_file('build/render-events.jsonl'), qq({"event": "job.updated", "job": {"job_id": "mock-42"}}\n), '  into its file';
$client->close;
quiet();
$client = run_client($h, 'trafalgar_runs_sse.py', ports => { 8001 => $port{8001} });
is $client->read_all, '', 'the dashboard\'s program has no token: it ends';
$client = run_client($h, 'trafalgar_runs_sse.py', ports => { 8001 => $port{8001} }, replace => ["\"http://localhost:$port{8001}\"", "\"http://localhost:$port{8001}\", headers={\"Authorization\": \"Bearer $ingest\"}"]);
is first_line_of($client, 'trafalgar:ingest', $run), "$run\n", '  with one it prints';
$client->close;
quiet();

for my $case (
    [<<'LINE', 8000, $render, 'trafalgar:render', $updated],
curl -N \
  -H "Authorization: Bearer $TRAFALGAR_TOKEN" \
  http://localhost:8000/render/jobs/stream
LINE
    [<<'LINE', 8001, $ingest, 'trafalgar:ingest', $run],
curl -N \
  -H "Authorization: Bearer $TRAFALGAR_TOKEN" \
  http://localhost:8001/ingest/runs/stream
LINE
    )
{
    my ($line, $port, $token, $channel, $event) = @$case;
    my $curl = run_line($h, $line, env => { TRAFALGAR_TOKEN => $token }, ports => { $port => $port{$port} });
    is first_line_of($curl, $channel, $event), "data: $event\n", "curl -N, port $port";
    $curl->close;
    quiet();
}
$client = run_line($h, 'curl -N http://localhost:8000/jobs/stream', ports => { 8000 => $port{8000} });
is $client->read_all, qq({"detail":"$missing"}), 'the dashboard\'s line has no token: it is told why';

# -- the project's own recorder: the documents' file, without the keepalives, and whole after a break
my $recorded = $h->path('recorded.jsonl');
my $record = Herald::Process->new(name => 'record', log => $h->path('record.log'), env => { no_proxy => '*' },
    command => [$HERALD, 'record', "http://localhost:$port{8000}/render/jobs/stream", '--output', $recorded, '--token', $render])->start;
await_streams(1);
$h->redis_publish('trafalgar:render', $created);
wait_for(sub { $h->read_file('recorded.jsonl') eq "$created\n" }, 'the first line');
$h->kill_worker;
$h->redis_publish('trafalgar:render', $updated);
wait_for(sub { $h->read_file('recorded.jsonl') =~ /running/ }, 'the second line');
is $h->read_file('recorded.jsonl'), "$created\n$updated\n", 'herald record goes on after a cut';
$record->stop('INT');
quiet();

# -- a slow consumer: no more than 64 events wait for it
my $slow = $h->sse('/jobs/stream', headers => { bearer($render) }, rcvbuf => 4096);
my $witness = $h->sse('/jobs/stream', headers => { bearer($render) });
my $fat = '{"event": "job.updated", "n": %d, "fill": "' . 'x' x 4000 . '"}';
$h->redis_publish('trafalgar:render', sprintf $fat, $_) for 1 .. 2000;
1 until $witness->next_event->{data} =~ /"n": 2000,/;
my ($gaps, $last, $order) = (0, 0, 1);
while ($last < 2000) {
    my $event = $slow->next_event or last;
    if (($event->{event} // '') eq 'gap') {
        like $event->{data}, qr/"reason":"trimmed"/, 'a slow consumer is told what it lost' if !$gaps++;
        next;
    }
    my ($n) = $event->{data} =~ /"n": (\d+)/;
    $order &&= $n > $last;
    $last = $n;
}
ok $gaps, 'it was trimmed';
ok $order, 'what it gets is in order';
is $last, 2000, 'and ends with the newest';
$_->close for $slow, $witness;
$h->finish;

# -- times: with the conf's 30 s, 20 s and 5 m replaced by shorter ones, each in its own place
sub shorter {
    my ($stream, $idle) = @_;
    my %o = shipped('trafalgar', @PORTS);
    $o{conf} =~ s/30s idle/$stream idle/g == 4 or die;
    $o{conf} =~ s/herald_keepalive 20s;/herald_keepalive $stream;/g == 2 or die;
    $o{conf} =~ s/herald_idle_timeout 5m;/herald_idle_timeout $idle;/g == 1 or die;
    return %o;
}
$h = Herald->new(shorter('200ms', '30s'), env => \%env);
wait_for(sub { $h->http(GET => '/healthz')->{status} == 200 }, 'the sidecar');
for my $path ('/jobs/stream', '/runs/stream') {
    is $h->sse($path, headers => { bearer('a-token-of-the-file') })->next_block->{raw}, "data: {}\n\n", "$path: a quiet stream says {}";
}
is $h->sse('/jobs/stream', headers => { bearer($render), Accept => 'text/event-stream' })->next_event->{data}, '{}', '  with ids, too';
my $ws = $h->ws("/runs/ws?token=$ingest");
is $ws->next_frame->{opcode}, Herald::WS::PING, 'a quiet WebSocket gets a ping, and no frame that its client would have to know';
$h->finish;

$h = Herald->new(shorter('200ms', '2s'), env => \%env);
wait_for(sub { $h->http(GET => '/healthz')->{status} == 200 }, 'the sidecar');
my ($silent, $pinging) = map { $h->ws("/runs/ws?token=$ingest") } 1 .. 2;
my $silent_ended = sub { 1 while $silent->stream->fill(0); return $silent->stream->{eof} };
my $pongs = 0;
# The server's keepalives are the beat: who answers each with a ping of its own stays.
until ($silent_ended->()) {
    my $frame = $pinging->next_frame or last;
    $pinging->ping if $frame->{opcode} == Herald::WS::PING;
    ++$pongs if $frame->{opcode} == Herald::WS::PONG;
}
ok $pongs, 'a client that pings';
$pinging->ping('still here');
my $frame;
do { $frame = $pinging->next_frame } while $frame && $frame->{payload} ne 'still here';
ok $frame, '  is there when one that does not has been sent away';
is $h->sse('/jobs/stream', headers => { bearer($render) })->ended, 'clean', 'a stream without events ends after the idle timeout';
$h->finish;

# -- the other status, and what is not configured
my %o = shipped('trafalgar', @PORTS, replace => ['    # herald_denied ', '    herald_denied ', '    herald_denied forbidden=401', '    # herald_denied forbidden=401']);
$h = Herald->new(%o, env => \%env, sidecar => 0);
my $forbidden = $h->http(GET => '/runs/stream', bearer($render));
is "$forbidden->{status} $forbidden->{body}", qq(403 {"detail":"$role"}), 'the line of the conf for 403';
is $h->http(GET => '/healthz')->{status}, 503, 'without a sidecar the health is bad';
$h->finish;
for my $case ([{}, 'nothing'], [{ TRAFALGAR_SERVICE_CREDENTIALS => '[{"id": "x"}]' }, 'no valid entry'], [{ TRAFALGAR_SERVICE_CREDENTIAL_FILE => "$dir/none" }, 'a missing file']) {
    my ($env, $what) = @$case;
    $h = Herald->new(shipped('trafalgar', @PORTS), sidecar => 0, redis => 0,
        env => { (map { $_ => undef } keys %env), %$env });
    for my $headers ([], [bearer('review-token')], ['X-API-Key' => 'suite-key', 'X-API-Secret' => 'suite-secret']) {
        refused('/jobs/stream', $headers, 503, 'Service authentication has not been configured.', "$what configured: closed");
    }
    $h->finish;
}
for my $env ({ TRAFALGAR_SERVICE_CREDENTIALS => 'nonsense' }, { TRAFALGAR_SERVICE_CREDENTIAL_FILE => credential_file('nonsense') }) {
    my ($code, $text) = nginx_t(+{ shipped('trafalgar', @PORTS) }->{conf}, env => { (map { $_ => undef } keys %env), %$env });
    is $code, 1, 'credentials that are no JSON stop nginx';
    like $text, qr/\[emerg\].*no JSON/, '  and are told';
}

# -- the dashboard's token, at each of its paths
my @dashboard = map { ("$_/metrics", "$_/admin/cache") } '', '/dashboard';
my $dashboard = 'a-token-for-the-dashboard';
$env{TRAFALGAR_SERVICE_CREDENTIAL_FILE} = undef;
$h = Herald->new(shipped('trafalgar', @PORTS), redis => 0, sidecar => 0, env => { %env, TRAFALGAR_DASHBOARD_TOKEN => undef });
for my $path (@dashboard) {
    refused($path, $_, 503, 'Dashboard authentication token is not configured.', "$path without TRAFALGAR_DASHBOARD_TOKEN")
        for [], [bearer($dashboard)], [bearer($render)], ['X-API-Key' => 'farm-key', 'X-API-Secret' => 'farm-secret'];
}
$h->finish;
$h = Herald->new(shipped('trafalgar', @PORTS), env => { %env, TRAFALGAR_DASHBOARD_TOKEN => $dashboard });
wait_for(sub { $h->http(GET => '/healthz')->{status} == 200 }, 'the sidecar');
for my $path (@dashboard) {
    refused($path, $_, 401, 'Invalid authentication token.', "$path without its token")
        for [], [bearer("$dashboard-x")], [bearer($render)], ['X-API-Key' => 'farm-key', 'X-API-Secret' => 'farm-secret'];
    refused("$path?token=$dashboard", [], 401, 'Invalid authentication token.', "$path with a token in the address");
    is $h->http(POST => $path)->{status}, 401, "$path: a flush needs it, too";
    unlike $h->http(GET => $path, bearer($dashboard))->{status}, qr/^(?:401|403|503)$/, "$path with its token";
}
is $h->http(GET => '/jobs/stream', bearer($dashboard))->{status}, 401, 'it opens no stream';
$h->finish;

done_testing;

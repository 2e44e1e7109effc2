# conf.d/enrichment.* as shipped: what the document's curl lines and programs, and the service's other clients, see of it.

use strict;
use warnings;
use JSON::PP;
use Test::More;
use Herald;
use Herald::Jwt;
use Herald::Shipped;

my $admin = 'your-admin-token-here';    # as the document has it
my $secret = 'a secret of the issuer, of more than 32 bytes';
my $app = 'http://localhost:3000';
my $bom = '123e4567-e89b-12d3-a456-426614174000';
my @PORTS = (ports => { 27200 => 'PORT' });

# The identity provider: an nginx of its own, with TLS and one file.
my $dir = File::Temp->newdir;
my $keys = Herald::Jwt::Keys->new("$dir");
my $provider = Herald->new(redis => 0, sidecar => 0, module => 0, conf => <<'CONF');
events { worker_connections 64; }
http {
    %%TEMP_PATHS%%
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        location = /.well-known/jwks.json { alias %%DIR%%/jwks.json; }
    }
}
CONF
$provider->write_file('jwks.json', jwks($keys->jwk('rsa', kid => 'k1')));
my $domain = 'localhost:' . $provider->port;

my %env = (
    ADMIN_API_TOKEN => $admin, JWT_SECRET_KEY => $secret, AUTH0_DOMAIN => $domain, AUTH0_AUDIENCE => 'https://cns.example, portal',
    CORS_ORIGINS => '["http://localhost:3000", "http://localhost:27100"]', CURL_CA_BUNDLE => $provider->path('cert.pem'),
);
my $h = Herald->new(shipped('enrichment', @PORTS), env => \%env);
wait_for(sub { $h->http(GET => '/api/enrichment/health')->{status} == 200 }, 'the sidecar');

sub bearer { return (Authorization => "Bearer $_[0]") }
sub rs256 {
    my ($claims, %o) = @_;
    return jwt({ iss => "https://$domain/", aud => 'portal', sub => 'auth0|u1', exp => time + 600, %$claims }, key => $keys->pem('rsa'), alg => 'RS256', kid => 'k1', %o);
}
sub path { return '/api/enrichment/stream/' . ($_[0] // $bom) . "?token=$admin" }
sub greeting { return qq(event: connected\ndata: {"type":"connected","bom_id":"$_[0]","message":"Stream connected"}\n\n) }
sub open_streams {
    my $all = decode_json($h->http(GET => '/api/enrichment/status')->{body})->{streams};
    return $all->{sse} + $all->{websocket};
}
sub await_streams { my ($count) = @_; wait_for(sub { open_streams() == $count }, "$count open streams") }
my $count = 0;
# As the workflow's json.dumps writes it.
sub message {
    my ($type, %o) = @_;
    my $id = $o{id} // sprintf 'e-%04d', ++$count;
    my $state = $o{state} // '"status": "enriching", "total_items": 100, "enriched_items": 45, "percent_complete": 45.0';
    my $more = $o{more} // '';
    return qq({"event_id": "$id", "event_type": "$type", "bom_id": "$bom", "state": {$state}, "payload": {"unit": "\\u00b5F"}$more, "created_at": ")
        . ($o{at} // '2025-12-16T14:32:30Z') . '"}';
}
sub is_frame {
    my ($event, $name, $data, $what) = @_;
    like $event->{raw}, qr/\Aid: [0-9a-f]{8}-\d+\nevent: \Q$name\E\ndata: \Q$data\E\n\n\z/, $what;
}

# -- health
my $health = $h->http(GET => '/api/enrichment/health');
is "$health->{status} $health->{body}", '200 {"status":"healthy","redis":"connected"}', 'the health is public';

# -- a run, frame by frame
{
    my $sse = $h->sse(path());
    is $sse->status, 200, 'a stream';
    is $sse->headers->{'content-type'}, 'text/event-stream; charset=utf-8', '  of its type';
    like $sse->headers->{'cache-control'}, qr/\bno-cache\b/, '  that nobody caches';
    is $sse->headers->{'x-accel-buffering'}, 'no', '  or buffers';
    is $sse->headers->{connection}, 'keep-alive', '  and that stays';
    is $sse->next_block->{raw}, greeting($bom), 'it begins with connected, and no retry';
    my $channel = "enrichment:$bom";
    for my $case (['enrichment.started', 'enrichment.started'], ['enrichment.progress', 'progress'], ['progress', 'progress']) {
        my ($type, $name) = @$case;
        my $message = message($type);
        $h->redis_publish($channel, $message);
        is_frame($sse->next_event, $name, $message, "$type comes as $name, byte for byte");
    }
    my $once = message('enrichment.progress', id => 'sent-twice');
    $h->redis_publish($channel, $once) for 1, 2;
    $h->redis_publish($channel, 'no JSON');
    $h->redis_publish($channel, '"no object"');
    my $after = message('enrichment.progress', at => '2025-12-16T14:34:00Z');
    $h->redis_publish($channel, $after);
    is $sse->next_event->{data}, $once, 'an event that the workflow repeats';
    is $sse->next_event->{data}, '"no object"', '  comes once; what is no JSON does not come; what is no object ends nothing';
    my $last = $sse->next_event;
    is $last->{data}, $after, '  and the stream goes on';
    my $other = $h->sse(path('other'));
    is $other->next_block->{raw}, greeting('other'), 'another BOM';
    my $completed = message('enrichment.completed', state => '"status": "completed", "percent_complete": 100.0', at => '2025-12-16T14:35:00Z');
    $h->redis_publish($channel, $completed);
    my $end = $sse->next_event;
    is_frame($end, 'enrichment.completed', $completed, 'enrichment.completed');
    is $sse->next_block->{raw}, qq(event: stream_end\ndata: {"type":"stream_end","reason":"enrichment.completed"}\n\n), '  is followed by stream_end';
    is $sse->ended, 'clean', '  and the end';
    is $h->http(GET => path(), 'Last-Event-ID' => $end->{id})->{status}, 204, 'a browser that reconnects then is told to stay away';
    my $resumed = $h->sse(path(), headers => { 'Last-Event-ID' => $last->{id} });
    is $resumed->next_block->{raw}, greeting($bom), 'one that missed the end';
    is $resumed->next_event->{data}, $completed, '  gets it';
    my $failed = '{"event_id": "f1", "event_type": "enrichment.failed", "bom_id": "other", "error": "Rate limit exceeded", "created_at": "2025-12-16T14:33:00Z"}';
    $h->redis_publish('enrichment:other', $failed);
    is_frame($other->next_event, 'enrichment.failed', $failed, 'enrichment.failed');
    is $other->next_block->{raw}, qq(event: stream_end\ndata: {"type":"stream_end","reason":"enrichment.failed"}\n\n), '  ends a stream too';
    is $other->ended, 'clean', '  cleanly';
    my $ws = $h->ws(path('by-websocket'));
    is $ws->next_text, '{"type":"connected","bom_id":"by-websocket","message":"Stream connected"}', 'a WebSocket gets the same';
}

# -- the same events, polled
sub poll { return $h->http(GET => "/api/enrichment/events/$bom?$_[0]", bearer($admin)) }
{
    my $all = decode_json(poll('')->{body});
    is $all->{count}, 7, 'what was streamed can be polled';
    is $all->{events}[-1]{event_type}, 'enrichment.completed', '  in its order';
    is scalar(grep { ref($_) && $_->{event_id} eq 'sent-twice' } @{ $all->{events} }), 1, '  without repeats';
    my $newest = decode_json(poll('limit=1')->{body});
    is_deeply [map { $_->{event_type} } @{ $newest->{events} }], ['enrichment.completed'], 'the newest';
    my $since = decode_json(poll('since=2025-12-16T14:34:00Z')->{body});
    is_deeply [map { ref ? $_->{event_type} : $_ } @{ $since->{events} }], ['no object', 'enrichment.completed'],
        'what came later than a created_at, or has none and arrived later';
    my $sse = $h->sse(path('beside'));
    $sse->next_block;
    $h->redis_publish('enrichment:beside', message('enrichment.progress'));
    my $live = $sse->next_event;
    my $answer = decode_json($h->http(GET => '/api/enrichment/events/beside', bearer($admin))->{body});
    is $answer->{last_event_id}, $live->{id}, 'what a stream has shown is in the next answer';
    is_deeply $answer->{events}, [decode_json($live->{data})], '  in the same form';
    is poll('since=nonsense')->{body}, q({"detail":"Invalid 'since' timestamp format. Use ISO 8601 format."}), 'a bad time is told';
}

# -- who gets in
sub refused {
    my ($what, $path, @headers) = @_;
    my $answer = $h->http(GET => $path, @headers);
    is "$answer->{status} $answer->{body}", '401 {"detail": "Authentication required"}', $what;
}
sub admitted {
    my ($what, $path, @headers) = @_;
    is $h->sse($path, headers => {@headers})->status, 200, $what;
}
my $stream = "/api/enrichment/stream/$bom";
my $hs256 = jwt({ sub => 'u1', aud => 'authenticated', exp => time + 600, email => 'u@example.com' }, secret => $secret);
admitted('the admin token in the header', $stream, bearer($admin));
admitted('an HS256 token in the query', "$stream?token=$hs256");
admitted('  and in the header', $stream, bearer($hs256));
wait_for(sub { $h->http(GET => "/api/enrichment/events/$bom", bearer(rs256({})))->{status} == 200 }, 'the keys of the provider');
admitted('an RS256 token in the query', "$stream?token=" . rs256({}));
admitted('  for one of several audiences', "$stream?token=" . rs256({ aud => ['x', 'https://cns.example'] }));
refused('nobody', $_) for $stream, "/api/enrichment/events/$bom";
refused('an unknown token', "$stream?token=wrong");
refused('no token behind its name', "$stream?token=");
refused('X-Actor-ID, which has no secret', $stream, 'X-Actor-ID' => 'admin');
refused('another secret', "$stream?token=" . jwt({ sub => 'u' }, secret => 'x' x 40));
refused('an HS256 token that has expired', "$stream?token=" . jwt({ sub => 'u', exp => time - 60 }, secret => $secret));
refused('one that is not good yet', "$stream?token=" . jwt({ sub => 'u', nbf => time + 600 }, secret => $secret));
refused('another algorithm of this secret', "$stream?token=" . jwt({ sub => 'u' }, secret => $secret, alg => 'HS512'));
refused('no algorithm', "$stream?token=" . jwt({ sub => 'u' }, alg => 'none'));
refused('an RS256 token that has expired', "$stream?token=" . rs256({ exp => time - 60 }));
refused('one for others', "$stream?token=" . rs256({ aud => 'others' }));
refused('one of another issuer', "$stream?token=" . rs256({ iss => 'https://evil.example/' }));
refused('one of another key', "$stream?token=" . rs256({}, key => $keys->pem('rsa2')));
refused('one signed with the public key', "$stream?token=" . rs256({}, alg => 'HS256', secret => $keys->public_pem('rsa')));
is $h->ws("$stream?token=wrong")->body, '{"detail": "Authentication required"}', 'a WebSocket handshake';
is $h->http(OPTIONS => $stream)->{status}, 401, 'OPTIONS that is no preflight';
is $h->http(HEAD => path())->{status}, 405, 'HEAD';
is $h->http(POST => path())->{status}, 405, 'POST';

# -- CORS
sub preflight { return $h->http(OPTIONS => '/api/enrichment/stream/test-id', Origin => $_[0], 'Access-Control-Request-Method' => 'GET') }
for my $origin ($app, 'http://localhost:27100') {
    my $answer = preflight($origin);
    is $answer->{status}, 200, "a preflight from $origin";
    is $answer->{headers}{'access-control-allow-origin'}, $origin, '  is allowed';
    is $answer->{headers}{'access-control-allow-credentials'}, 'true', '  with credentials';
    is $answer->{headers}{'access-control-allow-methods'}, 'GET, OPTIONS', '  to read';
    like $answer->{headers}{'access-control-allow-headers'}, qr/\bAuthorization\b.*\bContent-Type\b/, '  with a token';
    is $answer->{headers}{'access-control-max-age'}, 600, '  for ten minutes';
    like $answer->{headers}{vary}, qr/\bOrigin\b/, '  this origin alone';
}
my $stranger = preflight('https://evil.example');
is "$stranger->{status} $stranger->{body}", '400 Disallowed CORS origin', 'one from elsewhere is not';
is $stranger->{headers}{'access-control-allow-origin'}, undef, '  and says nothing else';
my $page = $h->sse(path(), headers => { Origin => $app });
is $page->headers->{'access-control-allow-origin'}, $app, 'a page of this origin may read';
is $page->headers->{'access-control-allow-credentials'}, 'true', '  with credentials';
like $page->headers->{vary}, qr/\bOrigin\b/, '  and caches know';
is $h->http(GET => $stream, Origin => $app)->{headers}{'access-control-allow-origin'}, $app, '  a refusal, too';
is $h->sse(path(), headers => { Origin => 'https://evil.example' })->headers->{'access-control-allow-origin'}, undef, 'others may not';
is $h->ws(path(), headers => { Origin => 'https://evil.example' })->status, 400, 'nor may they open a WebSocket';
undef $page;

# -- the document's own lines and program
await_streams(0);
my @port = (ports => { 27200 => $h->port });
is run_line($h, "curl -N http://localhost:27200/api/enrichment/stream/$bom", @port)->read_all, '{"detail": "Authentication required"}', 'curl without a token';
my $curl = run_line($h, <<'LINE', @port);
# Set your admin token (from .env or config)
ADMIN_TOKEN="your-admin-token-here"

# Connect to stream
curl -N "http://localhost:27200/api/enrichment/stream/123e4567-e89b-12d3-a456-426614174000?token=${ADMIN_TOKEN}"
LINE
is $curl->read_until(qr/\n\n/), greeting($bom), 'curl with the admin token shows the document\'s first frame';
$h->redis_publish("enrichment:$bom", message('enrichment.progress'));
like $curl->read_until(qr/\n\n/), qr/^event: progress\ndata: \{.*"event_type": "enrichment.progress"/m, '  and progress';
$curl->close;
await_streams(0);
$curl = run_line($h, <<'LINE', @port, replace => ['eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9...', rs256({})]);
# Get JWT from Auth0 or Supabase login
JWT_TOKEN="eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9..."

# Connect to stream
curl -N "http://localhost:27200/api/enrichment/stream/123e4567-e89b-12d3-a456-426614174000?token=${JWT_TOKEN}"
LINE
is $curl->read_until(qr/\n\n/), greeting($bom), 'curl with a token of the provider';
$curl->close;
is_deeply decode_json(run_line($h, 'curl http://localhost:27200/api/enrichment/health', @port)->read_all), { status => 'healthy', redis => 'connected' }, 'curl of the health';
is run_line($h, <<'LINE', @port, replace => ['curl -X', 'curl -o /dev/null -w "%{http_code}" -X'])->read_all, 200, 'curl of the preflight';
curl -X OPTIONS \
  -H "Origin: http://localhost:3000" \
  -H "Access-Control-Request-Method: GET" \
  http://localhost:27200/api/enrichment/stream/test-id
LINE
await_streams(0);
for my $last ('enrichment.completed', 'enrichment.failed') {
    my $client = run_client($h, 'enrichment_sse.py', @port, replace => ['your-jwt-or-admin-token', $hs256]);
    like $client->read_until(qr/Event: connected\nData: .*\n/), qr/\AConnected to enrichment stream for BOM: $bom\n/, 'the Python client is connected';
    $h->redis_publish("enrichment:$bom", message('enrichment.progress'));
    like $client->read_until(qr/%\)\n/), qr{Event: progress\n.*\n  Progress: 45/100 \(45\.0%\)\n\z}, '  shows progress';
    $h->redis_publish("enrichment:$bom", message($last, more => ', "error": "Rate limit exceeded"'));
    like $client->read_all, $last =~ /failed/ ? qr/  Enrichment failed: Rate limit exceeded\n\z/ : qr/  Enrichment completed!\n\z/, "  and ends with $last";
}
is run_client($h, 'enrichment_sse.py', @port)->read_all, qq(Error: 401 - {"detail": "Authentication required"}\n), '  a token that it invents is refused';

# -- Redis goes away and comes back
await_streams(0);
{
    my $sse = $h->sse(path());
    $sse->next_block;
    $h->stop_redis;
    is $sse->next_event->{raw}, qq(event: error\ndata: {"type":"error","message":"Redis connection error"}\n\n), 'who is connected when Redis goes is told';
    my $answer = $h->http(GET => path());
    is $answer->{status}, 503, 'nobody else is let in';
    is decode_json($answer->{body})->{detail}, 'Redis unavailable', '  and is told why';
    is $h->http(GET => $stream)->{status}, 401, '  without a token not even that';
    my $ill = $h->http(GET => '/api/enrichment/health');
    is $ill->{status}, 503, 'the health says so';
    is decode_json($ill->{body})->{detail}, 'Redis unavailable', '  in the service\'s words';
    is poll('limit=1')->{status}, 200, 'what has happened can be polled all the same';
    $h->start_redis;
    wait_for(sub { $h->http(GET => '/api/enrichment/health')->{status} == 200 }, 'Redis to be back');
    is $sse->next_event->{event}, 'gap', 'when it is back, streams are told that they may have missed something';
    my $message = message('enrichment.progress');
    $h->redis_publish("enrichment:$bom", $message);
    is $sse->next_event->{data}, $message, '  and go on';
    is $h->sse(path())->next_block->{raw}, greeting($bom), '  as do new ones';
}

# -- a slow consumer
my $slow = $h->sse(path('slow'), rcvbuf => 4096);
my $witness = $h->sse(path('slow'));
$h->redis_publish('enrichment:slow', message('progress', more => qq(, "n": $_, "fill": ") . 'x' x 4000 . '"')) for 1 .. 2000;
1 until $witness->next_event->{data} =~ /"n": 2000,/;
my ($gaps, $last, $order) = (0, 0, 1);
while ($last < 2000 && (my $event = $slow->next_event)) {
    ++$gaps if ($event->{event} // '') eq 'gap';
    my ($n) = $event->{data} =~ /"n": (\d+)/ or next;
    $order &&= $n > $last;
    $last = $n;
}
ok $gaps && $order && $last == 2000, 'a slow consumer loses the oldest events, is told so, and gets the newest in order';
undef $_ for $slow, $witness;

unlike $h->access_log . $h->error_log . $h->sidecar_log, qr/\Q$admin\E|\Q$secret\E|eyJ/, 'no token is in a log';
$h->finish;

# -- the beat, in milliseconds in place of the conf's 30 s
$h = Herald->new(shipped('enrichment', @PORTS, replace => ['herald_keepalive 30s', 'herald_keepalive 200ms']), env => \%env);
wait_for(sub { $h->http(GET => '/api/enrichment/health')->{status} == 200 }, 'the sidecar');
my $quiet = $h->sse(path());
$quiet->next_block;
is $quiet->next_block->{raw}, ": keepalive\n\n", 'a quiet stream is kept alive';
$h->redis_publish("enrichment:$bom", message('progress'));
is $quiet->next_event->{event}, 'progress', '  an event comes';
is $quiet->next_block->{raw}, ": keepalive\n\n", '  and the beat goes on';
$h->finish;

# -- other configurations
my %nothing = map { $_ => undef } keys %env;
$h = Herald->new(shipped('enrichment', @PORTS), env => \%nothing, redis => 0, sidecar => 0);
is $h->http(GET => $_)->{status}, 503, 'nothing configured: closed' for $stream, path(), "$stream?token=$hs256";
$h->finish;
$h = Herald->new(shipped('enrichment', @PORTS), env => { %nothing, ADMIN_API_TOKEN => $admin, CORS_ORIGINS => "$app, https://portal.example" });
is $h->http(GET => "$stream?token=" . rs256({}))->{status}, 401, 'tokens of a provider that is not configured';
is $h->http(GET => "$stream?token=$hs256")->{status}, 401, '  or of a secret';
is preflight('https://portal.example')->{status}, 200, 'CORS_ORIGINS may be separated by commas';
$h->finish;
$provider->finish;
done_testing;

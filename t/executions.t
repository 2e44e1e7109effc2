# conf.d/executions.conf and .toml as they are shipped: what Integr8sCode's clients and producers see.

use strict;
use warnings;
use Test::More;
use Herald;
use Herald::Backend;
use Herald::Shipped;

my $h = Herald->new(shipped('executions', ports => { 8090 => 'PORT' }, replace => ['server 127.0.0.1:8091;', 'server 127.0.0.1:%%PORT2%%;']),
    nginx => 0);
my $backend;    # not there yet
$h->start_nginx;

my @cookie = (headers => { Cookie => 'access_token=jwt-of-alice' });
my $result = '{"execution_id":"x1","status":"completed","exit_code":0,"stdout":"1\n\"2\"","stderr":"","lang":"python","lang_version":"3.11","resource_usage":{"cpu":0.5},"error_type":null}';

sub path { "/api/v1/executions/$_[0]/result" }
sub status_is { my ($id, $status) = @_; $backend->answer(path($id) => 200, qq({"execution_id":"$id","status":"$status","updated_at":"2026-02-15T10:00:00Z","exit_code":null})) }
sub publish { my ($id, $type, $status) = @_; $h->redis_publish("sse:exec:$id", event($id, $type, $status)) }
sub event {
    my ($id, $type, $status, $filled) = @_;
    $status = defined $status ? qq("$status") : 'null';
    return qq({"event_type":"$type","execution_id":"$id","timestamp":"2026-02-15T10:00:01Z","event_id":"e1","status":$status,"result":)
        . ($filled // 'null') . '}';
}
sub stream { my ($id) = @_; return $h->sse("/api/v1/events/executions/$id", @cookie) }
sub rest { my ($sse) = @_; my @events; while (my $event = $sse->next_event) { push @events, $event } return @events }

# -- a backend that is not there
my $down = $h->http(GET => '/api/v1/events/executions/x1');
is "$down->{status} $down->{body}", '502 {"detail":"Bad Gateway"}', 'without the backend: 502';
$down = $h->http(GET => '/api/v1/events/notifications/stream');
is "$down->{status} $down->{body}", '502 {"detail":"Bad Gateway"}', 'for notifications, too';
$backend = Herald::Backend->new($h, 'PORT2');

# -- one execution from start to end
status_is(x1 => 'running');
my $sse = stream('x1');
is $sse->status, 200, 'the owner gets the stream';
is $sse->headers->{'content-type'}, 'text/event-stream; charset=utf-8', 'as SSE';
is $sse->headers->{'x-frame-options'}, 'DENY', 'with the headers of the backend\'s other answers';
my $first = $sse->next_event;
is $first->{raw}, qq(data: {"event_type":"status","execution_id":"x1","timestamp":"2026-02-15T10:00:00Z","event_id":null,"status":"running","result":null}\n\n),
    'the status frame comes first, bare';
like(($backend->requests(path('x1')))[0], qr/^Cookie: access_token=jwt-of-alice\r$/m, 'the backend has been asked with the client\'s cookie');
publish(x1 => 'pod_running', 'running');
is $sse->next_event->{raw}, 'data: ' . event(x1 => 'pod_running', 'running') . "\n\n", 'events are bare frames, byte for byte';
publish(x1 => 'execution_completed');
is $sse->next_event->{data}, event(x1 => 'execution_completed'), 'which does not end it';

my @others = map { stream('x1') } 1 .. 9;
$_->next_event for @others;
$backend->answer(path('x1') => 200, $result);
my $asked = $backend->requests(path('x1'));
publish(x1 => 'result_stored');
for my $viewer ($sse, @others) {
    my @events = rest($viewer);
    is_deeply [map { $_->{raw} } @events], ['data: ' . event(x1 => 'result_stored', undef, $result) . "\n\n"], 'result_stored carries the result'
        if $viewer == $sse;
    $viewer->{seen} = "@{[map { $_->{data} } @events]}";
    is $viewer->ended, 'clean', 'and then the stream ends';
}
is scalar(grep { $_->{seen} ne $sse->{seen} } @others), 0, 'all viewers get it';
is scalar $backend->requests(path('x1')), $asked + 1, 'it has been fetched once';

# -- a look-up that does not tell the time, as the real one
$backend->answer(path('untimed') => 200, '{"execution_id":"untimed","status":"queued"}');
like stream('untimed')->next_event->{data},
    qr/^\{"event_type":"status","execution_id":"untimed","timestamp":"\d{4}-\d\d-\d\dT[^"]+","event_id":null,"status":"queued","result":null\}$/,
    'the status has the time of asking';
is $h->http(HEAD => '/api/v1/events/executions/untimed')->{status}, 200, 'HEAD is told the status code';

# -- nothing between the look-up and the stream is lost
status_is(between => 'running');
$backend->hold(path('between'));
my $waiting = $h->connect;
$waiting->write("GET /api/v1/events/executions/between HTTP/1.1\r\nHost: x\r\n\r\n");
wait_for(sub { scalar $backend->requests(path('between')) }, 'the look-up');
publish(between => 'pod_running', 'running');
$sse = stream('untimed');
$sse->next_event;
publish(untimed => 'pod_created');
$sse->next_event;
$backend->release(path('between'));
my @between = map { $_->{data} } Herald::SSE->over($waiting)->events(2);
like $between[0], qr/"event_type":"status"/, 'the status comes first';
is $between[1], event(between => 'pod_running', 'running'), 'and behind it what was published while the backend was asked';

# -- a reconnect
status_is(again => 'running');
$sse = stream('again');
$sse->next_event;
$sse->close;
$backend->answer(path('again') => 200, $result =~ s/x1/again/r);
publish(again => 'result_stored');
wait_for(sub { my $again = stream('again'); my @all = map { $_->{data} } rest($again); @all == 2 && $all[1] =~ /"result":\{"execution_id":"again"/ },
    'the result, which was stored meanwhile');
pass 'who was away when the result came gets it, and the end';

# -- pages of other origins
my $page = $h->http(GET => '/api/v1/events/executions/nope', Origin => 'https://localhost:5001');
is $page->{headers}{'access-control-allow-origin'}, 'https://localhost:5001', 'a listed origin may read';
is $page->{headers}{'access-control-allow-credentials'}, 'true', 'with cookies';
is $h->http(GET => '/api/v1/events/executions/nope', Origin => 'https://evil.example')->{headers}{'access-control-allow-origin'}, undef, 'others may not';

# -- late, when all is over
my $late = stream('x1');
my @late = map { $_->{data} } rest($late);
like $late[0], qr/"event_type":"status".*"status":"completed","result":null/, 'who comes late gets the status';
is $late[-1], event(x1 => 'result_stored', undef, $result), 'and the result';
is $late->ended, 'clean', 'and does not hang';

# -- other ends, in both spellings
for my $type (qw(result_failed execution_failed execution_timeout execution.failed execution.timeout result.failed)) {
    (my $id = "end-$type") =~ tr/./-/;
    status_is($id => 'running');
    my $ending = stream($id);
    $ending->next_event;
    publish($id => $type, 'failed');
    is_deeply [map { $_->{data} } rest($ending)], [event($id => $type, 'failed')], "$type ends it, as it was published";
}
status_is(dots => 'running');
my $dots = stream('dots');
$dots->next_event;
$backend->answer(path('dots') => 200, $result);
publish(dots => 'result.stored');
is_deeply [map { $_->{data} } rest($dots)], [event(dots => 'result.stored', undef, $result)], 'result.stored is filled, too';

# -- whom the backend refuses
for my $case ([none => 401, '{"detail":"Not authenticated","type":"AuthenticationRequiredError"}'],
    [bobs => 403, '{"detail":"Access denied","type":"ForbiddenError"}'],
    [nope => 404, q({"detail":"Execution 'nope' not found","type":"ExecutionNotFoundError"})]) {
    my ($id, $status, $body) = @$case;
    $backend->answer(path($id) => $status, $body);
    my $answer = $h->http(GET => "/api/v1/events/executions/$id");
    is "$answer->{status} $answer->{body}", "$status $body", "$status as the backend has it";
}
$backend->answer(path('bobs') => 403, '{"detail":"Access denied"}');
is $h->http(GET => '/api/v1/events/executions/bobs')->{body}, '{"detail":"Access denied","type":"ForbiddenError"}', 'whose 403 gets its type';
is $h->sse('/api/v1/events/executions/bobs', headers => { Cookie => 'access_token=jwt-of-alice', 'Last-Event-ID' => '00000000-1' })->status, 403,
    'a Last-Event-ID opens nothing';
is $h->http(GET => '/_integr8s/auth/me')->{status}, 404, 'the way to the backend is no one else\'s';

# -- notifications
my $me = '/api/v1/auth/me';
$backend->answer($me => 401, '{"detail":"Invalid credentials","type":"InvalidCredentialsError"}');
my $refused = $h->http(GET => '/api/v1/events/notifications/stream');
is "$refused->{status} $refused->{body}", '401 {"detail":"Invalid credentials","type":"InvalidCredentialsError"}', 'notifications need a login';
$backend->answer($me => 200, '{"user_id":"u7","username":"alice","role":"user","is_active":true}');
my $notes = $h->sse('/api/v1/events/notifications/stream', @cookie);
is $notes->status, 200, 'with one, they are a stream';
like(($backend->requests($me))[-1], qr/^Cookie: access_token=jwt-of-alice\r$/m, 'of the user that the cookie says');
my $note = '{"notification_id":"n1","status":"pending","subject":"s","body":"b","action_url":null,"created_at":"2026-02-15T10:00:00Z","severity":"low","tags":[],"channel":"in_app","read_at":null}';
$h->redis_publish('sse:notif:u8', '{"channel":"in_app"}');
$h->redis_publish('sse:notif:u7', $note);
is $notes->next_event->{raw}, "event: notification\ndata: $note\n\n", 'the user\'s own notifications, named, and nothing before them';

# -- everything else
$backend->answer('/api/v1/other' => 200, '"other"');
is $h->http(GET => '/api/v1/other')->{body}, '"other"', 'the rest is the backend\'s';

# -- pings
status_is(quiet => 'queued');
my $quiet = stream('quiet');
$quiet->next_event;
is $quiet->next_comment(25), 'ping', 'an execution is pinged';
is $notes->next_comment(40), 'ping', 'and so are notifications';

# -- drain
my $old_client = $h->sse('/api/v1/events/executions/quiet', version => '1.0', @cookie);
$old_client->next_event;
$backend->hold(path('leaving'));
my $leaving = $h->connect;
$leaving->write("GET /api/v1/events/executions/leaving HTTP/1.1\r\nHost: x\r\n\r\n");
wait_for(sub { scalar $backend->requests(path('leaving')) }, 'the look-up');
my @old = $h->reload;
status_is(leaving => 'running');
$backend->release(path('leaving'));
is $leaving->fill(Herald::Stream::now() + 10), 0, 'who would open a stream meanwhile';
ok $leaving->at_eof, 'is closed without an answer, and asks again elsewhere';
is $_->ended(20), 'cut', 'on reload a stream is cut, so that its client comes back' for $quiet, $notes, $old_client;
$h->wait_worker_exit(@old);
is stream('quiet')->status, 200, 'to the new worker';

$h->finish;
done_testing;

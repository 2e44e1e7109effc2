# conf.d/executions.conf and .toml as they are shipped: what Integr8sCode's clients and producers see.

use strict;
use warnings;
use Test::More;
use FindBin;
use Herald;
use Herald::Backend;
use Herald::Process;

my $shipped = "$FindBin::Bin/../conf.d/executions";
my $conf = Herald::Process::slurp("$shipped.conf");
my $toml = Herald::Process::slurp("$shipped.toml");
# Only ports and paths are this test's own.
s{unix:/run/herald/herald\.sock}{unix:%%SOCKET%%}, s{listen 8090}{listen 127.0.0.1:%%PORT%%}, s{127\.0\.0\.1:8091}{127.0.0.1:%%PORT2%%}
    for $conf;
s{/run/herald/herald\.sock}{%%SOCKET%%}, s{/var/lib/herald}{%%DIR%%/state}, s{redis://127\.0\.0\.1:6379/0}{%%REDIS%%} for $toml;

my $h = Herald->new(conf => "events { worker_connections 256; }\nhttp {\n%%TEMP_PATHS%%\n$conf}\n", toml => $toml, nginx => 0);
my $backend = Herald::Backend->new($h, 'PORT2');
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

# -- one execution from start to end
status_is(x1 => 'running');
my $sse = stream('x1');
is $sse->status, 200, 'the owner gets the stream';
is $sse->headers->{'content-type'}, 'text/event-stream; charset=utf-8', 'as SSE';
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
my @old = $h->reload;
is $_->ended(20), 'cut', 'on reload a stream is cut, so that its client comes back' for $quiet, $notes;
$h->wait_worker_exit(@old);
is stream('quiet')->status, 200, 'to the new worker';

$h->finish;
done_testing;

# herald_start uri=: the first event is what a backend says, then everything that was published since it was asked.

use strict;
use warnings;
use Test::More;
use Herald;
use Herald::Backend;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML', nginx => 0);
worker_processes 1;
events { worker_connections 1024; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    log_format first '$uri $status $herald_close_reason';
    access_log %%DIR%%/first.log first;
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT3%% ssl http2;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        herald_unknown allow;
        gzip on;
        gzip_types application/json;
        location ~ ^/runs/(?<id>[^/]+)$ { herald_subscribe run:$id; herald_start uri=/_run/$id; }
        location ~ ^/args/(?<id>[^/]+)$ { herald_subscribe run:$id; herald_start "uri=/_run/args?id=$id&of=$arg_of"; }
        location ~ ^/shaped/(?<id>[^/]+)$ {
            herald_subscribe run:$id;
            herald_greeting hello '{"hello":"$id"}';
            herald_start uri=/_run/$id event=status 'data={"id":"$id","status":$herald_start_status,"text":"is $herald_start_status, $herald_start_n","n":$herald_start_n,"object":$herald_start_object,"none":$herald_start_none,"any":$herald_start_camelcase}';
        }
        location = /static { herald_subscribe run:static; herald_start uri=/_static; }
        location = /file { herald_subscribe run:file; herald_start uri=/_file/status.json; }
        location = /forbidden { herald_subscribe run:static; herald_start uri=/_forbidden; }
        location = /dots { herald_subscribe run:static; herald_start uri=/_run/$arg_x; }
        location = /unbuffered { herald_subscribe run:big; herald_start uri=/_unbuffered; }
        location = /_static { internal; default_type application/json; return 200 '{"from":"nginx"}'; }
        location = /_forbidden { internal; return 403; }
        location /_file/ { internal; alias %%DIR%%/; sendfile on; }
        location = /_unbuffered { internal; proxy_buffering off; proxy_set_header Accept-Encoding ""; proxy_pass http://127.0.0.1:%%PORT2%%/run/big; }
        location /_run/ {
            internal;
            proxy_set_header Accept-Encoding "";
            proxy_read_timeout 1s;
            proxy_pass http://127.0.0.1:%%PORT2%%/run/;
        }
    }
}
CONF
%%SIDECAR%%
[[feed]]
name = "run"
channels = "run:{id}"
event = "type"
end_on = ["done"]
TOML
my $backend = Herald::Backend->new($h, 'PORT2');
$h->write_file('status.json', '{"from":"file"}' . ' ' x 9000);
$h->start_nginx;

sub publish { my ($id, $n, $type) = @_; $h->redis_publish("run:$id", qq({"type":"@{[$type // 'step']}","n":$n})) }
sub data { map { $_->{data} } @_ }
sub rest { my ($sse) = @_; my @events; while (my $event = $sse->next_event) { push @events, $event } return @events }

# -- the first event
$backend->answer('/run/1' => 200, qq({"status":"running",\r\n "n":1}\n));
my $live = $h->sse('/runs/1', headers => { Cookie => 'access_token=abc' });
my $first = $live->next_event;
is $first->{data}, '{"status":"running",   "n":1} ', 'the body is the first event, in one line';
is $first->{event}, undef, 'unnamed';
is $first->{id}, undef, 'without an id';
like(($backend->requests('/run/1'))[0], qr/^Cookie: access_token=abc\r$/m, 'the backend gets the client\'s cookie');
publish(1, 2);
my ($next) = $live->events(1);
is $next->{data}, '{"type":"step","n":2}', 'then the live stream';
is $h->ws('/runs/1')->next_text, $first->{data}, 'WebSocket likewise';
my $http2 = $h->curl_sse('https://localhost:' . $h->port('PORT3') . '/runs/1', '--http2');
is $http2->next_event->{data}, $first->{data}, 'and HTTP/2';
publish(1, 3);
is $http2->next_event->{data}, '{"type":"step","n":3}', 'which goes on, too';
my $asked = $backend->requests('/run/1');
is_deeply [data($h->sse('/runs/1', headers => { 'Last-Event-ID' => $next->{id} })->events(1))], ['{"type":"step","n":3}'],
    'with a Last-Event-ID there is no first event';
is scalar $backend->requests('/run/1'), $asked + 1, 'but the backend is asked all the same';
$backend->answer('/run/1' => 403, '{}');
is $h->sse('/runs/1', headers => { 'Last-Event-ID' => $next->{id} })->status, 403, 'and may refuse';
$backend->answer('/run/1' => 200, '1');
my $old = $h->sse('/runs/1', version => '1.0');
is $old->next_event->{data}, '1', 'HTTP/1.0';
is $h->http(HEAD => '/runs/1')->{status}, 200, 'HEAD is told the status';

$backend->answer('/run/args?id=a&of=b' => 200, '7');
is $h->sse('/args/a?of=b')->next_event->{data}, '7', 'arguments; any JSON will do';
is $h->sse('/static')->next_event->{data}, '{"from":"nginx"}', 'a location that answers itself';
like $h->sse('/file')->next_event->{data}, qr/^\{"from":"file"\} {9000}$/, 'a file';
my $big = '{"text":"' . 'x' x 500_000 . '"}';
$backend->answer('/run/big' => 200, $big);
is $h->sse('/runs/big')->next_event->{data}, $big, 'half a megabyte';
is $h->sse('/unbuffered')->next_event->{data}, $big, 'and without proxy_buffering';

# -- shaped
$backend->answer('/run/s' => 200, '{"status":"a \"quoted\" \u00e9","n":12345678901234567890,"object":{"x":[1,"}"]},"camelCase":true,"none":null}');
my ($hello, $shaped) = $h->sse('/shaped/s')->events(2);
is $hello->{event}, 'hello', 'behind a greeting';
is $shaped->{event}, 'status', 'with a name';
is $shaped->{data},
    '{"id":"s","status":"a \"quoted\" \u00e9","text":"is a \"quoted\" \u00e9, 12345678901234567890","n":12345678901234567890,"object":{"x":[1,"}"]},"none":null,"any":true}',
    'members are JSON as they were written';

# -- nothing is lost between
$backend->answer('/run/h' => 200, '{"status":"held"}');
$backend->hold('/run/h');
publish('h', 1);
my $probe = $h->sse('/static');
$probe->next_event;
sub all_is_read { $h->redis_publish('run:static', '"seen"'); $probe->next_event }    # what was published, by the worker
all_is_read();
my @slow = map { my $stream = $h->connect; $stream->write("GET /runs/h HTTP/1.1\r\nHost: x\r\n\r\n"); $stream } 1 .. 20;
wait_for(sub { $backend->requests('/run/h') == 20 }, 'the requests');
publish('h', $_) for 2 .. 4;
all_is_read();
$backend->release('/run/h');
my @held = map { Herald::SSE->over($_) } @slow;
is scalar(grep { "@{[data($_->events(4))]}" ne join ' ', '{"status":"held"}', map { qq({"type":"step","n":$_}) } 2 .. 4 } @held), 0,
    'what is published meanwhile comes behind the first event, once and in order';
publish('h', 5);
is scalar(grep { (data($_->events(1)))[0] !~ /"n":5/ } @held), 0, 'and so does the rest';

# -- one that has ended
$backend->answer('/run/e' => 200, '{"status":"completed"}');
publish('e', 1);
publish('e', 2, 'done');
publish('static', 0);
$probe->next_event;
my $ended = $h->sse('/runs/e');
is_deeply [data(rest($ended))], ['{"status":"completed"}', '{"type":"step","n":1}', '{"type":"done","n":2}'],
    'a run that has ended: the first event, its past, and the end';
is $ended->ended, 'clean', 'cleanly';

# -- refused
for my $case ([401, '{"detail":"Not authenticated"}', 401, '{"detail":"Not authenticated"}'],
    [403, '{"detail":"Access denied","type":"ForbiddenError"}', 403, '{"detail":"Access denied","type":"ForbiddenError"}'],
    [404, '{"detail":"no"}', 404, '{"detail":"no"}'], [404, '<html>', 404, '{"detail":"Not Found"}'],
    [500, '{"detail":"secret"}', 502, '{"detail":"Bad Gateway"}'], [503, '', 503, '{"detail":"Service Unavailable"}'],
    [302, '', 502, '{"detail":"Bad Gateway"}'], [204, '', 502, '{"detail":"Bad Gateway"}'],
    [200, '<html>', 502, '{"detail":"Bad Gateway"}'], [200, '{"a":1', 502, '{"detail":"Bad Gateway"}'],
    [200, '"' . 'x' x 1_100_000 . '"', 502, '{"detail":"Bad Gateway"}']) {
    my ($status, $body, $wanted, $text) = @$case;
    $backend->answer('/run/r' => $status, $body, $status == 401 ? "WWW-Authenticate: Bearer\r\n" : '');
    my $answer = $h->http(GET => '/runs/r');
    is "$answer->{status} $answer->{body}", "$wanted $text", "the backend says $status " . substr($body, 0, 20);
    is $answer->{headers}{'content-type'}, 'application/json', 'as JSON';
    is $answer->{headers}{'www-authenticate'}, $status == 401 ? 'Bearer' : undef, 'with the backend\'s challenge' if $status < 404;
}
is $h->http(GET => '/forbidden')->{body}, '{"detail":"Access denied"}', 'a location that refuses itself';
is $h->http(GET => '/dots?x=../../secret')->{status}, 400, 'a path that climbs is not asked for';
$backend->answer('/run/z' => 200, '{}', "Content-Encoding: gzip\r\n");
is $h->http(GET => '/runs/z')->{status}, 502, 'a compressed body is none';
$backend->hold('/run/t');
is $h->http(GET => '/runs/t')->{status}, 503, 'a backend that does not answer';

# -- clients that do not wait
$backend->answer('/run/g' => 200, '{"status":"late"}');
$backend->hold('/run/g');
my @gone = map { my $stream = $h->connect; $stream->write("GET /runs/g HTTP/1.1\r\nHost: x\r\n\r\n"); $stream } 1 .. 10;
wait_for(sub { $backend->requests('/run/g') == 10 }, 'the requests');
$_->close for @gone;
wait_for(sub { my @lines = $h->read_file('first.log') =~ m{^/runs/g 499}mg; @lines == 10 }, 'the log');
pass 'those who leave are let go';
$backend->release('/run/g');

# -- before there is a sidecar
$h->stop_sidecar;
$backend->answer('/run/n' => 200, '{"status":"alone"}');
my $alone = $h->sse('/runs/n');
is $alone->next_event->{data}, '{"status":"alone"}', 'without the sidecar: the first event';
$h->start_sidecar;
publish('n', 1);
my $event = $alone->next_event;
$event = $alone->next_event if ($event->{event} // '') eq 'gap';
is $event->{data}, '{"type":"step","n":1}', 'and events once it is there';

for my $bad (['herald_start uri=x;', qr/"herald_start" needs a URI that begins with "\/", not "x"/],
    ['herald_start uri=/x foo=1;', qr/knows event= and data= behind uri=/], ['herald_start all event=x;', qr/takes "event=x" only behind uri=/],
    ['herald_fetch /x;', qr/"herald_fetch" knows uri=URI and off, not "\/x"/]) {
    my ($code, $output) = nginx_t("events {} http { server { listen 127.0.0.1:%%PORT%%; $bad->[0] } }");
    isnt $code, 0, "nginx -t refuses $bad->[0]";
    like $output, $bad->[1], 'and says why';
}

$h->finish;
done_testing;

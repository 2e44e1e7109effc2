# herald_publish: one event by POST, its id once it is in the journal, and every way in which that can fail.

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
        listen 127.0.0.1:%%PORT2%% ssl http2;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        client_max_body_size 4m;
        location ~ ^/jobs/(?<id>[^/]+)$ { herald_publish jobs:$id; }
        location ~ ^/file/(?<id>[^/]+)$ { client_body_in_file_only on; herald_publish jobs:$id; }
        location ~ ^/small/(?<id>[^/]+)$ { client_body_buffer_size 1k; herald_publish jobs:$id; }
        location = /elsewhere { herald_publish elsewhere; }
        location ~ ^/events/(?<id>[^/]+)$ { herald_subscribe jobs:$id; herald_start all; }
        location ~ ^/history/(?<id>[^/]+)$ { herald_history jobs:$id; }
        location = /health { herald_health; }
    }
}
CONF
%%SIDECAR%%
[ring]
size = "4M"
max_message = "64K"
[[feed]]
name = "jobs"
channels = "jobs:{id}"
event = "type"
TOML

sub post { my ($path, $body, @headers) = @_; return $h->http(POST => $path, ':body' => $body, @headers) }
sub journal { return join '', map { Herald::Process::slurp($_) } glob $h->path('state/journal/*') }

wait_for(sub { $h->http(GET => '/health')->{status} == 200 }, 'the sidecar');

# -- an event
my $sse = $h->sse('/events/a');
my $answer = post('/jobs/a', '{"type":"progress", "n":1}');
is $answer->{status}, 202, 'an event is accepted';
is $answer->{headers}{'content-type'}, 'application/json', 'in JSON';
my ($id) = $answer->{body} =~ /\A\{"id":"([0-9a-f]{8}-\d+)"\}\z/;
ok $id, 'with its id' or diag $answer->{body};
like journal(), qr/\{"id":"$id"[^\n]*"data":\{"type":"progress", "n":1\}\}\n/, 'and is in the journal';
my $event = $sse->next_event;
is $event->{id}, $id, 'the stream has it under this id';
is $event->{event}, 'progress', 'with its name';
is $event->{data}, '{"type":"progress", "n":1}', 'byte for byte';
like $h->http(GET => '/history/a')->{body}, qr/\{"events":\[\{"type":"progress", "n":1\}\],/, 'so has history';

post('/jobs/a', qq({\n"n":2}), 'Content-Type' => 'text/plain');
is $sse->next_event->{data}, '{ "n":2}', 'whatever its content type, and on one line';
$h->redis_publish('jobs:a', '{"n":3}');
is $sse->next_event->{data}, '{"n":3}', 'beside what producers publish';

# Accepted events have the order in which their answers came.
my @answered = map { post('/jobs/order', qq({"n":$_}))->{body} =~ /-(\d+)/ } 1 .. 50;
is_deeply \@answered, [sort { $a <=> $b } @answered], 'ids grow';
my $order = $h->sse('/events/order');
is_deeply [map { $_->{data} } $order->events(50)], [map { qq({"n":$_}) } 1 .. 50], 'in order';

# -- bodies of every make
my $large = '{"x":"' . 'y' x 60_000 . '"}';
for my $path (qw(/jobs/body /file/body /small/body)) {
    is post($path, $large)->{status}, 202, "$path takes a large event";
}
my $chunked = $h->connect;
$chunked->write("POST /small/body HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
$chunked->write(sprintf "%x\r\n%s\r\n", length $_, $_) for unpack '(a7000)*', $large;
$chunked->write("0\r\n\r\n");
like $chunked->read_all, qr{^HTTP/1.1 202 }, 'in chunks';
my $body = $h->sse('/events/body');
is_deeply [map { length $_->{data} } $body->events(4)], [(length $large) x 4], 'all arrive whole';
my (undef, $output) = $h->curl('--http2', '-i', '-d', '{"h2":1}', 'https://localhost:' . $h->port('PORT2') . '/jobs/h2');
like $output, qr{^HTTP/2 202 .*\{"id":"}s, 'HTTP/2';
is post('/jobs/old', '{}', ':version' => '1.0')->{status}, 202, 'HTTP/1.0';

my $keepalive = $h->connect;
$keepalive->write(join '', map { "POST /jobs/$_ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" } qw(a %0a a));
for my $expected (202, 400, 202) {
    my ($status, $headers) = Herald::Http::read_head($keepalive);
    Herald::Http::read_body($keepalive, 'POST', $status, $headers);
    is $status, $expected, "$expected for one of three pipelined requests";
}

# -- what is refused
my $rest = $h->sse('/events/refused');
for my $bad (['', 'nothing'], [' ', 'blanks'], ['{"a":', 'half a value'], ['hello', 'a word'], ['{} {}', 'two values'],
    [qq({"a":"\xff"}), 'no UTF-8'])
{
    my ($bytes, $what) = @$bad;
    my $refused = post('/jobs/refused', $bytes);
    is $refused->{status}, 400, "$what is refused";
    like $refused->{body}, qr/\A\{"detail":"(?:[^"\\]|\\.)+"\}\z/, '  and why';
}
is post('/jobs/refused', '"' . 'x' x 65536 . '"')->{status}, 413, 'more than max_message is too large';
like post('/file/refused', '"' . 'x' x 65536 . '"')->{body}, qr/\A\{"detail":"[^"]+"\}\z/, 'which it says';
is post('/jobs/refused', 'x' x (5 << 20))->{status}, 413, 'and so is more than nginx takes';
is post('/jobs/%0a', '{}')->{status}, 400, 'a bad channel';
is post('/elsewhere', '{}')->{status}, 404, 'a channel that no feed claims';
for my $method (qw(GET HEAD PUT DELETE)) {
    my $refused = $h->http($method => '/jobs/refused', $method eq 'PUT' ? (':body' => '{}') : ());
    is $refused->{status}, 405, "$method is not allowed";
    is $refused->{headers}{allow}, 'POST', '  and told what is';
}
post('/jobs/refused', '{"good":1}');
is $rest->next_event->{data}, '{"good":1}', 'nothing of that reached the stream';

# -- clients that leave
my @leavers = map { $h->connect } 1 .. 30;
$_->write("POST /jobs/gone HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{") for @leavers;
$_->abort for @leavers;
is post('/jobs/gone', '{"n":1}')->{status}, 202, 'half a body and no client does no harm';
is $h->sse('/events/gone')->next_event->{data}, '{"n":1}', 'nor is it published';

# -- a sidecar that does not answer, and none
$h->process('sidecar')->signal('STOP');
my $slow = $h->connect;
$slow->write("POST /jobs/slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
like $slow->read_all(30), qr{^HTTP/1.1 504 .*may or may not have been published}s, 'no answer in time is 504';
my $lost = $h->connect;
$lost->write("POST /jobs/lost HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
$h->kill_sidecar;
like $lost->read_all(30), qr{^HTTP/1.1 50[34] }, 'so is a sidecar that is lost meanwhile';
my $away = wait_for(sub { my $a = post('/jobs/a', '{}'); $a->{status} == 503 && $a }, 'no sidecar');
is $away->{headers}{'retry-after'}, '1', 'without a sidecar: later';
like $away->{body}, qr/\A\{"detail":"[^"]+"\}\z/, 'which it says';
$h->start_sidecar;
wait_for(sub { $h->http(GET => '/health')->{status} == 200 }, 'the sidecar to be back');
is post('/jobs/back', '{"n":1}')->{status}, 202, 'then events are accepted again';

# -- Redis away
$h->kill_redis;
wait_for(sub { $h->http(GET => '/health')->{body} =~ /"redis":"disconnected"/ }, 'Redis to be gone');
my $refused = post("/jobs/a", q({"n":404}));
is $refused->{status}, 503, 'a feed that comes from Redis needs Redis';
is $refused->{headers}{'retry-after'}, '1', 'later';
unlike journal(), qr/"n":404/, 'nothing is in the journal';

$h->finish;
done_testing;

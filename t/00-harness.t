# The harness itself, as far as it can be told without the module: Redis, nginx, processes, clients.
use strict;
use warnings;

use Test::More;

use Herald;

my $conf = <<'CONF';
worker_processes 2;
events {}
http {
    %%TEMP_PATHS%%
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT2%% ssl http2;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        root %%DIR%%;
        location = /hello { add_header X-Twice a; add_header X-Twice b; return 200 "hi $request_method"; }
        location /events { default_type text/event-stream; }
    }
}
CONF

my $h = Herald->new(conf => $conf, sidecar => 0, module => 0);

is $h->redis_cmd('SET', 'k', "a\r\n\0b"), 'OK', 'redis takes bytes';
is $h->redis_cmd('GET', 'k'), "a\r\n\0b", '... and gives them back';
is $h->redis_cmd('GET', 'absent'), undef, 'nil is undef';
is_deeply $h->redis_cmd('MGET', 'k', 'absent'), ["a\r\n\0b", undef], 'arrays are arrays';
is $h->redis_publish('nobody:listens', 'x'), 0, 'PUBLISH says how many received it';
ok !eval { $h->redis_cmd('NOSUCH') }, 'an error reply dies';
like $@, qr/^Redis: ERR unknown command/, '... with what Redis said';

$h->redis_cmd('SET', 'k', 1);
$h->kill_redis;
ok !eval { $h->redis_cmd('PING') }, 'a killed Redis does not answer';
$h->start_redis;
is $h->redis_cmd('GET', 'k'), undef, 'Redis starts again, on its port, without a memory';

my $hello = $h->http(GET => '/hello');
is $hello->{status}, 200, 'a request';
is $hello->{body}, 'hi GET', '... with its body';
is $hello->{headers}{'x-twice'}, 'a, b', '... and its headers';
is $h->http(GET => '/hello', ':tls' => 1, ':port' => $h->port('PORT2'))->{body}, 'hi GET', 'over TLS';
is $h->http(POST => '/hello', ':body' => 'x' x 10)->{body}, 'hi POST', 'with a body';
like $h->access_log, qr{"GET /hello HTTP/1.1" 200}, 'the access log is the test\'s own';

$h->write_file('events', ": hello\nretry: 5\n\nid: 1\nevent: e\ndata: a\ndata: b\n\n: k\n\ndata:c\r\n\r\n");
my $sse = $h->sse('/events', headers => { Connection => 'close' });
is $sse->status, 200, 'an SSE stream';
is $sse->next_comment, 'hello', 'a comment';
my $event = $sse->next_event;
is_deeply [@$event{qw(id event data retry)}], [1, 'e', "a\nb", 5], 'an event of several lines';
$event = $sse->next_event;
is_deeply [@$event{qw(id event data)}, @{ $event->{comments} }], [undef, undef, 'c', 'k'],
    'an event behind a comment';
is $sse->next_event, undef, 'no event at the end';
is $sse->ended, 'clean', '... which is clean';

$sse = $h->curl_sse('https://127.0.0.1:' . $h->port('PORT2') . '/events', '--http2');
like $sse->head, qr{^HTTP/2 200}, 'the same over HTTP/2, by curl';
is scalar(map { $sse->next_event->{data} } 1 .. 2), 2, '... with its events';

my @old = $h->worker_pids;
is @old, 2, 'two workers';
is_deeply [$h->reload], \@old, 'a reload tells the old ones to go';
$h->wait_worker_exit(@old);
my @new = $h->worker_pids;
is @new, 2, '... and there are two new ones';
my $born = $h->kill_worker('KILL', $new[0]);
is_deeply [sort $h->worker_pids], [sort $born, $new[1]], 'a killed worker is replaced';
ok !eval { $h->reload(conf => 'nonsense;'); 1 }, 'a reload with a bad conf dies';
like $@, qr/unknown directive "nonsense"/, '... with what nginx said';
push @{ $h->{allowed} }, qr/unknown directive "nonsense"/;

my ($code, $output) = nginx_t($conf, module => 0);
is $code, 0, 'nginx -t accepts the conf';
($code, $output) = nginx_t("events {}\nhttp { listen 1; }", module => 0);
is $code, 1, '... and refuses a wrong one';
like $output, qr/"listen" directive is not allowed here/, '... and says why';

my $raw = $h->connect;
ok $raw->quiet(0.05), 'a connection says nothing by itself';
$raw->write("GET /hello HTTP/1.0\r\n\r\n");
like $raw->read_all, qr{^HTTP/1.1 200 OK\r\n.*hi GET\z}s, 'raw bytes both ways';

my $dir = $h->dir;
my @pids = map { $h->process($_)->pid } qw(redis nginx);
$h->finish;
ok !-e $dir, 'the directory is gone';
is kill(0, @pids), 0, '... and so are the processes';

done_testing;

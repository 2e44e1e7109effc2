# herald_fill: an event waits for what fills it, once for all who wait, and what follows waits behind it.

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
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT3%% ssl http2;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        herald_fill stored result uri=/_value/$id;
        herald_fill other value uri=/_static;
        location ~ ^/runs/(?<id>[^/]+)$ { herald_subscribe run:$id; }
        location ~ ^/all/(?<id>[^/]+)$ { herald_subscribe run:$id; herald_start all; }
        location ~ ^/two/(?<id>[^/]+)/([^/]+)$ { herald_subscribe run:$id run:$2; }
        location ~ ^/plain/([^/]+)$ { herald_subscribe run:$1; herald_fill never never uri=/x; }
        location ~ ^/history/([^/]+)$ { herald_history run:$1; }
        location = /_static { internal; return 200 '{"static":true}'; }
        location /_value/ { internal; proxy_set_header Accept-Encoding ""; proxy_pass http://127.0.0.1:%%PORT2%%/value/; }
    }
}
CONF
%%SIDECAR%%
[ring]
size = "256K"
[[feed]]
name = "run"
channels = "run:{id}"
event = "type"
end_on = ["done"]
TOML
my $backend = Herald::Backend->new($h, 'PORT2');
$h->start_nginx;

sub publish { my ($id, $type, $rest) = @_; $h->redis_publish("run:$id", qq({"type":"$type"$rest})) }
sub data { map { $_->{data} } @_ }
sub opened { my ($path, %o) = @_; my $sse = $h->sse($path, %o); $sse->next_block; return $sse }
my $filled = '{"type":"stored","result":{"value":1},"n":1}';

# -- one
$backend->answer('/value/a' => 200, qq({"value":\n1}));
my $sse = opened('/runs/a');
publish(a => 'stored', ',"result":null,"n":1');
is $sse->next_event->{data}, '{"type":"stored","result":{"value": 1},"n":1}', 'the null member is filled, on one line';
publish(a => 'stored', ',"n":2, "result" : null ');
is $sse->next_event->{data}, '{"type":"stored","n":2, "result" : {"value": 1} }', 'wherever it stands';
publish(a => 'stored', ',"result":5');
is $sse->next_event->{data}, '{"type":"stored","result":5}', 'one that is not null stays';
publish(a => 'stored', ',"inner":{"result":null},"x":"\"result\":null"');
is $sse->next_event->{data}, '{"type":"stored","inner":{"result":null},"x":"\"result\":null"}', 'and so does one of another object';
publish(a => 'step', ',"result":null');
is $sse->next_event->{data}, '{"type":"step","result":null}', 'or of another event';
publish(a => 'other', ',"value":null');
is $sse->next_event->{data}, '{"type":"other","value":{"static":true}}', 'several rules; nginx itself may answer';
is opened('/runs/a')->headers->{'content-type'}, 'text/event-stream; charset=utf-8', 'a stream like others';
is scalar $backend->requests('/value/a'), 2, 'once per event';
my ($kept) = $h->http(GET => '/history/a?limit=1000')->{body} =~ /("result":null,"n":1)/;
ok $kept, 'the journal keeps what was published';

# -- many, on all transports, and what waits behind it
$backend->answer('/value/b' => 200, '{"value":1}');
$backend->hold('/value/b');
my @all = map { opened('/runs/b') } 1 .. 100;
my $ws = $h->ws('/runs/b');
my $tls = opened('/runs/b', tls => 1, port => $h->port('PORT3'));
my $http2 = $h->curl_sse('https://localhost:' . $h->port('PORT3') . '/runs/b', '--http2');
my $plain = opened('/plain/b');
my $aside = opened('/runs/aside');
publish(b => 'step', ',"n":0');
publish(b => 'stored', ',"result":null,"n":1');
publish(b => 'step', ',"n":2');
publish(aside => 'step', '');
is_deeply [data($_->next_event)], ['{"type":"step","n":0}'], 'what came before it does not wait' for $all[0], $tls, $http2;
$_->next_event for @all[1 .. $#all];
is $ws->next_text, '{"type":"step","n":0}', 'WebSocket likewise';
is $aside->next_event->{data}, '{"type":"step"}', 'nor do other channels';
is_deeply [data($plain->events(3))], ['{"type":"step","n":0}', '{"type":"stored","result":null,"n":1}', '{"type":"step","n":2}'],
    'nor a location without the rule, which gets it as it is';
wait_for(sub { scalar $backend->requests('/value/b') }, 'the request');
my $late = opened('/runs/b');
publish(b => 'step', ',"n":3');
ok $all[50]->quiet(0.1), 'the others wait';
$backend->release('/value/b');
my @rest = ($filled, '{"type":"step","n":2}', '{"type":"step","n":3}');
is scalar(grep { "@{[data($_->events(3))]}" ne "@rest" } @all, $tls, $http2), 0, 'then all have it, and what follows behind it';
is_deeply [map { $ws->next_text } 1 .. 3], \@rest, 'WebSocket likewise';
is $late->next_event->{data}, $rest[2], 'who came meanwhile has what came meanwhile';
is scalar $backend->requests('/value/b'), 1, 'the backend was asked once';
publish(b => 'step', ',"n":4');
is scalar(grep { (data($_->next_event))[0] ne '{"type":"step","n":4}' } @all, $late, $tls), 0, 'and the streams go on';

# -- whoever has asked leaves
$backend->answer('/value/c' => 200, '{"value":1}');
$backend->hold('/value/c');
my %staying = map { $_ => opened('/runs/c', headers => { 'X-Who' => $_ }) } 1 .. 5;
publish(c => 'stored', ',"result":null,"n":1');
for my $n (1 .. 4) {
    wait_for(sub { $backend->requests('/value/c') >= $n }, "request $n");
    my ($who) = ($backend->requests('/value/c'))[-1] =~ /^X-Who: (\d)/m;
    (delete $staying{$who})->close;
}
wait_for(sub { $backend->requests('/value/c') == 5 }, 'the last one to ask');
$backend->release('/value/c');
is +(values %staying)[0]->next_event->{data}, $filled, 'when the one that asks leaves, another one asks in its place';
$backend->hold('/value/d');
my $only = opened('/runs/d');
publish(d => 'stored', ',"result":null,"n":1');
wait_for(sub { scalar $backend->requests('/value/d') }, 'the request');
$only->close;
$backend->answer('/value/d' => 200, '{"value":1}');
$backend->release('/value/d');
is $h->sse('/all/d')->next_event->{data}, $filled, 'who comes when nobody waits any more gets it filled as well';

# -- refused, broken
$backend->answer('/value/e' => 403, '{}');
my @two = map { opened('/runs/e', headers => { 'X-Who' => $_ }) } 1, 2;
publish(e => 'stored', ',"result":null,"n":1');
wait_for(sub { my %who = map { /^X-Who: (\d)/m ? ($1 => 1) : () } $backend->requests('/value/e'); $who{1} && $who{2} }, 'both to be refused');
pass 'who is refused leaves the asking to others';
$backend->answer('/value/e' => 500, '');
$backend->answer('/value/e' => 200, '{"value":1}');
is $_->next_event->{data}, $filled, 'a failure is tried again' for @two;
$backend->answer('/value/f' => 404, '{}');
my $never = opened('/runs/f');
publish(f => 'stored', ',"result":null,"n":1');
publish(f => 'step', '');
is_deeply [data($never->events(2, 20))], ['{"type":"stored","result":null,"n":1}', '{"type":"step"}'], 'in the end it goes out as it is';
$backend->answer('/value/f' => 200, '<html>');
publish(f => 'stored', ',"result":null,"n":2');
is $never->next_event(5)->{data}, '{"type":"stored","result":null,"n":2}', 'and at once where the answer is none that could fill it';
like $h->error_log, qr/\[error\].*herald: an event "stored" goes out without its "result"/, 'and the log says so';

# -- the past, and the end
$backend->answer('/value/g' => 200, '{"value":1}');
publish(g => 'stored', ',"result":null,"n":1');
publish(g => 'done', '');
publish(aside => 'step', '');
$aside->next_event;
is_deeply [data($h->sse('/all/g')->events(2))], [$filled, '{"type":"done"}'], 'the ring\'s past is filled';
for (1 .. 120) {    # one at a time: the ring is not to overtake the worker
    publish(aside => 'step', ',"fill":"' . 'x' x 3000 . '"');
    $aside->next_event;
}
is_deeply [data($h->sse('/all/g')->events(2))], [$filled, '{"type":"done"}'], 'and the index\'s';
my $two = opened('/two/g/h');
publish(h => 'step', '');
is $two->next_event->{data}, '{"type":"step"}', 'several channels';

# -- while the sidecar is away, and comes back
$backend->answer('/value/k' => 200, '{"value":1}');
$backend->hold('/value/k');
my $k = opened('/runs/k');
publish(k => 'stored', ',"result":null,"n":1');
publish(k => 'step', ',"n":2');
wait_for(sub { scalar $backend->requests('/value/k') }, 'the request');
$h->restart_sidecar;
my $seen = $h->sse('/all/k?');
$backend->release('/value/k');
is_deeply [data(grep { ($_->{event} // '') ne 'gap' } $k->events(3))], [$filled, '{"type":"step","n":2}'], 'it goes on from there';

# -- a worker that leaves
$backend->hold('/value/l');
my $l = opened('/runs/l');
publish(l => 'stored', ',"result":null,"n":1');
wait_for(sub { scalar $backend->requests('/value/l') }, 'the request');
$h->stop_nginx('TERM');
isnt $l->ended, undef, 'does so while a request is under way';

for my $bad (['herald_fill a b c;', qr/"herald_fill" needs EVENT, MEMBER and uri=URI, not "c"/],
    ['herald_fill a b uri=c;', qr/"herald_fill" needs a URI that begins with "\/"/]) {
    my ($code, $output) = nginx_t("events {} http { server { listen 127.0.0.1:%%PORT%%; $bad->[0] } }");
    isnt $code, 0, "nginx -t refuses $bad->[0]";
    like $output, $bad->[1], 'and says why';
}

$h->finish;
done_testing;

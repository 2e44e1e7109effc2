# herald_hibernate: streams that have given their request's memory back behave, and are logged, like others.

use strict;
use warnings;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Herald;

# Everything that a log format can show but what differs from one request to the next anyway.
my @steady = map { "\$$_" } qw(
    status request request_method request_uri uri document_uri args query_string is_args arg_a arg_token server_protocol
    scheme host server_name server_addr remote_addr remote_user request_length request_completion request_filename
    document_root realpath_root nginx_version hostname limit_rate content_length content_type binary_remote_addr proxy_add_x_forwarded_for
    http_user_agent http_referer http_cookie cookie_c http_x_multi http_host http_connection http_upgrade http_x_forwarded_for http_accept
    http_sec_websocket_protocol connection_requests pipe bytes_sent body_bytes_sent limit_conn_status limit_req_status
    realip_remote_addr invalid_referer gzip_ratio upstream_status upstream_addr geo_v split_v map_uri map_late map_capture set_v set_late named
    sent_http_content_type sent_http_content_length sent_http_location sent_http_last_modified sent_http_connection sent_http_keep_alive
    sent_http_transfer_encoding sent_http_cache_control sent_http_link sent_http_x_added sent_http_x_accel_buffering sent_http_vary
    sent_http_access_control_allow_origin sent_http_upgrade sent_http_expires sent_http_set_cookie sent_trailer_t
    herald_channel herald_transport herald_events_sent herald_gaps herald_trimmed herald_close_reason herald_event
    herald_user herald_roles herald_auth_status herald_token_from https ssl_protocol ssl_server_name);
my $format = join '|', @steady;

my $conf = <<'CONF' =~ s/STEADY/$format/r;
worker_processes 1;
events { worker_connections 4096; }
http {
    %%TEMP_PATHS%%
    log_format steady escape=json 'STEADY';
    log_format varying '$uri $request_time $msec $opened $herald_last_id $request_id $id_early';
    access_log %%DIR%%/steady.log steady if=$logged;
    access_log %%DIR%%/varying.log varying if=$logged;
    error_log %%DIR%%/http.log info;
    map $uri $logged { default 1; ~^/(status|stub|keepalive|auth)$ 0; }
    map $uri $map_uri { default none; ~^/(?<named>[a-z]+)(.*)$ "<$named$2>"; }
    map $http_user_agent $map_late { volatile; default "late-$http_user_agent"; }
    map $arg_a $map_capture { default 0; "~^(.)(.*)" "$2$1"; }
    geo $geo_v { default world; 127.0.0.0/8 here; }
    split_clients "$arg_a" $split_v { 50% low; * high; }
    limit_conn_zone $binary_remote_addr zone=conns:1m;
    limit_req_zone $binary_remote_addr zone=reqs:1m rate=1000r/s;
    herald_sidecar unix:%%SOCKET%%;
    herald_hibernate HIBERNATE;
    herald_drain 1s;
    herald_ids off;
    herald_static_token sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 user=alice role=reader;
    herald_token_from header query=token;
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=16k;
        listen 127.0.0.1:%%PORT2%% ssl sndbuf=16k;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        server_name localhost;
        root %%DIR%%;
        set $opened $msec;
        set $set_v "set-$arg_a";
        set $set_late "";
        set $id_early $request_id;
        location = /plain { herald_subscribe x:1; herald_end_event bye '{"of":"$herald_event"}'; }
        location = /greeted { herald_subscribe x:1; herald_greeting connected '{"uri":"$uri"}'; herald_retry off; }
        location = /text { herald_subscribe x:1; herald_end_event bye '{"at":"$set_v$arg_a"}'; }
        location = /set { set $set_late "late$uri"; herald_subscribe x:1; }
        location = /if { if ($arg_a) { set $set_late "if-$arg_a"; } herald_subscribe x:1; }
        location = /within { herald_subscribe x:1; if ($arg_a) { add_header X-Added "within $arg_a"; } }
        location = /added {
            herald_subscribe x:1; add_header X-Added "$arg_a, $request_method"; add_header Link "</a>; rel=a";
            add_header Link "</b>; rel=b"; expires epoch; add_header Set-Cookie c=$arg_a;
        }
        location = /cors { herald_subscribe x:1; herald_cors http://page.example credentials; }
        location = /auth-static { herald_subscribe x:1; herald_auth static; }
        location = /missing { error_page 404 = /instead; return 404; }
        location = /instead { herald_subscribe x:1; }
        location = /named { error_page 404 = @named; return 404; }
        location @named { herald_subscribe x:1; }
        location = /tried { try_files /nothing /instead; }
        location = /rewritten { rewrite ^/(rew)(.*)$ /instead?a=$2 last; }
        location ~ ^/captured/(x)/(?<which>\d+)$ { herald_subscribe $1:$which; }
        location = /request { limit_req zone=reqs burst=100; herald_subscribe x:1; }
        location = /basic { auth_basic b; auth_basic_user_file %%DIR%%/users; herald_subscribe x:1; }
        location = /gzip { herald_subscribe x:1; herald_compress gzip deflate; }
        location = /beat { herald_subscribe x:1; herald_keepalive 100ms event=beat 'data={"b":1}'; }
        location = /life { herald_subscribe x:1; herald_lifetime 1s; }
        location = /slow { herald_subscribe x:2; herald_buffer 32k; }
        location = /off { herald_subscribe x:1; herald_hibernate off; }
        location = /beats { herald_subscribe x:1; herald_keepalive 10s event=beat 'data={"u":"$uri"}'; }
        location = /conn { limit_conn conns 100; herald_subscribe x:1; }
        location = /real { set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; herald_subscribe x:1; }
        location = /request-auth { auth_request /auth; herald_subscribe x:1; }
        location = /auth { return 204; }
        location = /rate { limit_rate 100k; herald_subscribe x:1; }
        location = /status { herald_status; }
        location = /stub { stub_status; }
        location = /keepalive { return 204; }
    }
}
CONF
sub conf { return $conf =~ s/HIBERNATE/$_[0]/r }

my $h = Herald->new(conf => conf('off'), toml => <<'TOML', nginx => 0);
%%SIDECAR%%
[[feed]]
name = "x"
channels = "x:{id}"
event = "type"
end_on = ["end"]
TOML
$h->write_file('users', "bob:{PLAIN}secret\n");
$h->start_nginx;

sub streams { return decode_json($h->http(GET => '/status')->{body})->{streams} }
sub asleep { return streams()->{hibernating} }
sub reading_writing { return $h->http(GET => '/stub')->{body} =~ /Reading: (\d+) Writing: (\d+)/ ? "$1 $2" : 'nothing' }

my %position = ('steady.log' => 0, 'varying.log' => 0);
sub next_line {
    my $name = shift;
    my @all;  # whole lines: nginx may be at the next one
    $h->wait_for(sub { (@all = $h->read_file($name) =~ /(.*)\n/g) > $position{$name} }, "a line of $name");
    return $all[$position{$name}++];
}

my $agent = 'Agent/1.0 (of a test)';
my @headers = ('User-Agent' => $agent, Cookie => 'b=1; c=2', 'X-Multi' => 'one', 'X-Multi' => 'two',
    Referer => 'http://page.example/?token=test&x', 'X-Forwarded-For' => '192.0.2.1', 'X-Forwarded-For' => '192.0.2.2');
my %auth = (basic => [Authorization => 'Basic ' . encode_base64('bob:secret', '')]);

# name => path, whether its streams sleep, further headers
my @cases = (
    [plain => '/plain?a=bcd&x', 1],
    [greeted => '/greeted', 1],
    ['an end with variables' => '/text?a=1', 1],
    [set => '/set?a=1', 1],
    [if => '/if?a=yes', 1],
    ['settings within if' => '/within?a=yes', 1],
    [add_header => '/added?a=1', 1],
    [cors => '/cors', 1, Origin => 'http://page.example'],
    ['herald_auth by a header' => '/auth-static', 1, Authorization => 'Bearer test'],
    ['herald_auth by the query' => '/auth-static?a=1&token=test&b', 1],
    [error_page => '/missing?a=1', 1],
    ['a named location' => '/named?a=1', 1],
    [try_files => '/tried?a=1', 1],
    [rewrite => '/rewritten?q', 1],
    ['a regex location' => '/captured/x/1?a=xy', 1],
    ['an escaped path' => '/%70lain?a=%31', 1],
    [limit_req => '/request', 1],
    [auth_basic => '/basic', 1, @{ $auth{basic} }],
    ['a long head' => '/plain', 1, 'X-Long' => 'l' x 5000],
    ['herald_hibernate off' => '/off', 0],
    ['heartbeats with variables' => '/beats', 0],
    [limit_conn => '/conn', 0],
    [realip => '/real', 0],
    [auth_request => '/request-auth', 0],
    [limit_rate => '/rate', 0],
    ['a compressed stream' => '/gzip', 1, 'Accept-Encoding' => 'gzip'],
);

sub open_stream {
    my ($transport, $path, @more) = @_;
    my @where = $transport =~ /TLS/ ? (tls => 1, port => $h->port('PORT2')) : ();
    return $h->ws($path, headers => [@headers, @more], @where) if $transport =~ /websocket/;
    return $h->sse($path, headers => [@headers, @more], version => $transport eq 'http/1.0' ? '1.0' : '1.1', @where);
}
sub next_data {
    my ($stream, $transport) = @_;
    return $stream->next_text if $transport =~ /websocket/;
    my $event = $stream->next_event // return undef;
    return ($event->{event} // '') . " $event->{data}";
}

# What clients and logs see of every case: text, the same whether streams sleep or not.
sub run_case {
    my ($case, $transport, $end, $sleeps) = @_;
    my ($name, $path, undef, @more) = @$case;
    my $what = "$name, $transport, $end";
    my $stream = open_stream($transport, $path, @more);
    my @seen = ($stream->status);
    push @seen, next_data($stream, $transport) if $name eq 'greeted';
    if ($sleeps) {
        $h->wait_for(sub { asleep() == 1 }, "the stream of $what to sleep");
    }
    $h->redis_publish('x:1', '{"n":1}');
    push @seen, next_data($stream, $transport);
    is asleep(), $sleeps, $sleeps ? "$what: sleeps" : "$what: stays awake" unless $end eq 'end';
    if ($end eq 'end') {
        $h->redis_publish('x:1', '{"type":"end","n":2}');
        push @seen, next_data($stream, $transport);
        push @seen, next_data($stream, $transport) if $path =~ m{/(?:plain|text|%70lain)};
        if ($transport =~ /websocket|1\.0/) {
            push @seen, $stream->ended;
        } else {
            push @seen, $stream->ended;
            $stream->stream->write("GET /keepalive HTTP/1.1\r\nHost: h\r\n\r\n");
            push @seen, (Herald::Http::read_head($stream->stream))[0];
        }
    }
    $transport =~ /websocket/ ? $stream->abort : $stream->close;
    my $line = next_line('steady.log');
    next_line('varying.log');
    unlike $line, qr/test&|token=test/, '  without a token' if $path =~ /token/;
    $h->wait_for(sub { my $s = streams(); $s->{sse} + $s->{websocket} == 0 }, 'the stream to go');
    return map { "$what: " . ($_ // 'nothing') } @seen, $line;
}

my %lines;
for my $mode ('off', 'on') {
    $h->wait_worker_exit($h->reload(conf => conf($mode))) if $mode eq 'on';
    $h->wait_for(sub { $h->http(GET => '/status')->{body} =~ /"redis":"connected"/ }, 'the sidecar to be there');
    for my $case (@cases) {
        my @secure = $case->[0] =~ /^(?:plain|greeted|herald_auth by the query|limit_conn)$/ ? ('sse over TLS', 'websocket over TLS') : ();
        for my $transport ('sse', 'http/1.0', 'websocket', @secure) {
            push @{ $lines{$mode} }, run_case($case, $transport, 'close', $mode eq 'on' && $case->[2] ? 1 : 0);
            push @{ $lines{$mode} }, run_case($case, $transport, 'end', $mode eq 'on' && $case->[2] ? 1 : 0);
        }
    }
}
for my $i (0 .. $#{ $lines{off} }) {
    my ($awake, $slept) = ($lines{off}[$i], $lines{on}[$i]);
    s/"id":"[^"]*"/ID/ for $awake, $slept;
    is $slept, $awake, 'the same, asleep or not: ' . substr $awake, 0, 60;
}
is scalar @{ $lines{on} }, scalar @{ $lines{off} }, 'every line has its like';

# -- what nginx counts
my @sleepers = map { $h->sse('/plain') } 1 .. 5;
my $socket = $h->ws('/plain', protocol => 'herald.v1');
$h->wait_for(sub { asleep() == 6 }, 'six streams to sleep');
is reading_writing(), '0 7', 'to stub_status a sleeping stream is a request that is being answered';

# -- while they sleep
$h->redis_publish('x:1', '{"n":3}');
like $_->next_event->{data}, qr/"n":3/, 'an event arrives' for @sleepers;
like $socket->next_text, qr/"n":3/, '  also over a WebSocket';
$socket->ping('are you there');
is $socket->next_frame->{payload}, 'are you there', 'a ping is answered';
is asleep(), 6, 'all that without waking anybody';
my $beating = $h->sse('/beat');
is $beating->next_event->{data}, '{"b":1}', 'a heartbeat comes' for 1 .. 3;
is asleep(), 7, '  without waking its stream';
$beating->close;
next_line($_) for 'steady.log', 'varying.log';
is $socket->close(1000)->{code}, 1000, 'a Close is answered';
like next_line('steady.log'), qr/^101\|.*\|websocket\|1\|0\|0\|client\|/, '  and logged';
next_line('varying.log');
my $rude = $h->ws('/plain');
$h->wait_for(sub { asleep() == 6 }, 'it to sleep');
$rude->send_frame(1, 'x', mask => 0);
is $rude->next_frame->{code}, 1002, 'a bad frame is told';
$rude->abort;
next_line($_) for 'steady.log', 'varying.log';
$_->close for @sleepers;
for (@sleepers) {
    like next_line('steady.log'), qr/^200\|GET \/plain HTTP\/1.1\|.*\|sse\|1\|0\|0\|client\|/, 'a client that goes';
    next_line('varying.log');
}
$h->wait_for(sub { asleep() == 0 }, 'all to be gone');
is reading_writing(), '0 1', 'nothing is left of them';

# -- times and identifiers
my $aged = $h->sse('/life');
is $aged->ended, 'clean', 'a lifetime ends a sleeping stream';
like next_line('steady.log'), qr/\|lifetime\|/, '  with its reason';
my ($uri, $took, $now, $opened, undef, $id, $early) = split / /, next_line('varying.log');
cmp_ok $took, '>=', 0.5, '$request_time counts from the request, not from the waking';
cmp_ok abs($now - $took - $opened), '<', 0.5, '  and so it began when it came';
is $id, $early, '$request_id stays what it was';

# -- a client that is too slow
my $fill = 'f' x 2000;
for my $where ('HTTP', 'TLS') {
    my @where = $where eq 'TLS' ? (tls => 1, port => $h->port('PORT2')) : ();
    my $slow = $h->sse('/slow', rcvbuf => 4096, @where);
    my $quick = $h->sse('/slow', @where);
    $h->wait_for(sub { asleep() == 2 }, 'both to sleep');
    for my $n (1 .. 300) {
        $h->redis_publish('x:2', qq({"n":$n,"fill":"$fill"}));
        $quick->next_event->{data} =~ /"n":$n,/ or fail "event $n";
    }
    is asleep(), 2, "$where: a full socket wakes nobody";
    my ($last, $gaps, $whole) = (0, 0, 1);
    while ($last < 300) {
        my $event = $slow->next_event;
        if ($event->{event} && $event->{event} eq 'gap') { ++$gaps; next }
        my ($n) = $event->{data} =~ /"n":(\d+)/;
        $whole &&= $event->{data} eq qq({"n":$n,"fill":"$fill"});
        $last = $n;
    }
    ok $whole, 'what it reads later is whole';
    cmp_ok $gaps, '>=', 1, '  and it is told what it lost';
    $_->close for $slow, $quick;
    for (1 .. 2) { next_line($_) for 'steady.log', 'varying.log' }
}

# -- the error log
my $reset = $h->ws('/plain?token=test', headers => { Host => 'name.example', Referer => 'http://page.example/' });
$h->wait_for(sub { asleep() == 1 }, 'it to sleep');
$reset->abort;
next_line($_) for 'steady.log', 'varying.log';
like $h->read_file('http.log'), qr{reset by peer\), client: 127\.0\.0\.1, server: localhost, request: "GET /plain\?token=\*{4} HTTP/1\.1", host: "name\.example", referrer: "http://page\.example/"},
    'a line of the error log tells of the request, without its token';

# -- many
my $rounds = $ENV{HERALD_HIBERNATE_ROUNDS} // 50;
sub open_and_close {
    my @many = map { $_ % 2 ? $h->sse('/plain?a=1&token=test') : $h->ws('/plain?a=1') } 1 .. 100;
    $h->wait_for(sub { asleep() == 100 }, 'a hundred to sleep');
    $_ % 2 ? $many[$_]->close : $many[$_]->stream->close for 0 .. $#many;
    $h->wait_for(sub { asleep() == 0 }, 'a hundred to go');
    return;
}
open_and_close() for 1 .. 5;
my ($worker) = $h->worker_pids;
my $memory = sub { Herald::Process::slurp("/proc/$worker/smaps_rollup") =~ /^Pss_Anon:\s+(\d+)/m ? $1 : die 'no smaps' };
my $before = $memory->();
open_and_close() for 1 .. $rounds;
SKIP: {
    skip 'sanitizers keep what is freed', 1 if $ENV{HERALD_SANITIZE};
    cmp_ok $memory->() - $before, '<', 400, $rounds * 100 . ' streams leave nothing behind (KiB)';
}
is_deeply [$h->worker_pids], [$worker], '  nor harm';
is reading_writing(), '0 1', '  nor counts';

# -- reload and the end
$h->wait_for(sub { (my @all = split /\n/, $h->read_file('steady.log')) >= $position{'steady.log'} + ($rounds + 5) * 100 }, 'their lines');
$position{'steady.log'} += ($rounds + 5) * 100;
my @drained = map { $_ % 2 ? $h->sse('/plain') : $h->ws('/plain') } 1 .. 10;
$h->wait_for(sub { asleep() == 10 }, 'ten to sleep');
my @old = $h->reload;
for my $n (1 .. 10) {
    is $drained[$n - 1]->ended, 'clean', 'a reload ends it in order';
    like next_line('steady.log'), qr/\|(?:sse|websocket)\|0\|0\|0\|drain\|/, '  with a line in the log';
}
$h->wait_worker_exit(@old);

@drained = map { $_ % 2 ? $h->sse('/plain') : $h->ws('/plain') } 1 .. 10;
$h->wait_for(sub { asleep() == 10 }, 'ten to sleep');
is $h->stop_nginx('QUIT'), 0, 'QUIT with sleeping streams';
for my $n (1 .. 10) {
    is $drained[$n - 1]->ended, 'clean', 'ends them in order';
    like next_line('steady.log'), qr/\|(?:sse|websocket)\|0\|0\|0\|drain\|/, '  with a line in the log';
}

# nginx cuts what the drain has not ended yet: a stream whose client takes no bytes.
$h->write_conf("worker_shutdown_timeout 1s;\n" . conf('on'));
$h->start_nginx;
$h->wait_for(sub { $h->http(GET => '/status')->{body} =~ /"redis":"connected"/ }, 'the sidecar to be there');
my $full = $h->sse('/slow', rcvbuf => 4096);
$h->wait_for(sub { asleep() == 1 }, 'it to sleep');
$h->redis_publish('x:2', qq({"n":$_,"fill":"$fill"})) for 1 .. 100;
$h->wait_for(sub { streams()->{trimmed} > 0 }, 'its socket to be full');
is asleep(), 1, 'a stream whose socket is full sleeps';
is $h->stop_nginx('QUIT'), 0, 'nginx cuts it at worker_shutdown_timeout';
like next_line('steady.log'), qr{^200\|GET /slow HTTP/1.1\|}, '  with a line in the log';

$h->finish;
done_testing;

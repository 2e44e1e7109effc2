# No token reaches a log, a variable or an upstream, however a request writes it and however it ends.

use strict;
use warnings;
use Digest::SHA 'sha256_hex';
use IO::Socket::INET;
use IO::Socket::UNIX;
use Test::More;
use Herald;

my $SECRET = 'sEcReT-' . join '', map { ('a' .. 'z')[rand 26] } 1 .. 20;
my $STARS = '*' x length $SECRET;

my $syslog = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1') or die "no socket: $!";
my $conf = <<'CONF' =~ s/SYSLOG_PORT/$syslog->sockport/er =~ s/HASH/sha256_hex($SECRET)/er =~ s/SECRET/$SECRET/gr;
worker_processes 1;
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    log_format all '$status|$request|$request_uri|$args|$query_string|$is_args|$arg_token|$arg_key|$arg_other'
        '|$http_referer|$http_sec_websocket_protocol|$uri|$document_uri|';
    log_format seen '$seen';
    access_log %%DIR%%/all.log all;
    error_log %%DIR%%/http.log info;
    large_client_header_buffers 2 2k;
    client_header_timeout 1s;
    lingering_timeout 200ms;
    herald_static_token sha256:HASH;
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT2%% ssl http2;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        server_name localhost;
        error_page 497 = @vars;
        location / { root %%DIR%%/nowhere; }
        location = /vars { return 200 "$request|$request_uri|$args|$arg_token|$arg_key|$http_referer|$is_args"; }
        location = /redirect { return 301 /to$is_args$args; }
        location = /rewritten { rewrite_log on; rewrite ^ /vars?more=1; }
        location = /try { try_files /nothing /vars; }
        location = /named { error_page 404 = @vars; return 404; }
        location @vars { return 200 "$request|$request_uri|$args|$arg_token|$arg_key|$http_referer|$is_args"; }
        location = /up { proxy_pass http://127.0.0.1:%%PORT3%%; }
        location = /up/service { set $args token=SECRET; proxy_pass http://127.0.0.1:%%PORT3%%/service$is_args$args; }
        location = /up/fixed { proxy_pass http://127.0.0.1:%%PORT3%%/fixed$is_args$args; }
        location = /nobody { proxy_pass http://127.0.0.1:1; }
        location = /syslog { error_log syslog:server=127.0.0.1:SYSLOG_PORT info; root %%DIR%%/nowhere; }
        location = /own { error_log %%DIR%%/own.log info; root %%DIR%%/nowhere; }
        location = /page { root %%DIR%%; }
        location = /big { client_max_body_size 1; root %%DIR%%/nowhere; }
        location = /elsewhere { herald_token_from header query=KEY api_key=X-Key:X-Secret; return 204; }
        location = /checked { herald_auth static; herald_token_from query=token; try_files /none =204; }
        location = /guest { error_page 404 = /checked?token=SECRET; return 404; }
        location /accel/ { proxy_pass http://127.0.0.1:%%PORT%%/sent/; }
        location = /sent/up { access_log off; add_header X-Accel-Redirect /up?a=1&token=SECRET; return 200; }
        location = /sent/checked { access_log off; add_header X-Accel-Redirect /checked?token=SECRET; return 200; }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name second;
        error_log %%DIR%%/second.log info;
        location / { return 200 "$request_uri"; }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name rewriting;
        root %%DIR%%/nowhere;
        rewrite ^(.*)$ $1x;
    }
    # Where requests go on whose header is wrong, or never comes to its end.
    server {
        listen unix:%%DIR%%/broken.sock;
        server_name proxied;
        error_page 400 494 = @up;
        error_page 414 505 /up;
        location @up { proxy_set_header X-Line $request; proxy_pass http://127.0.0.1:%%PORT3%%; }
        location = /up { proxy_set_header X-Line $request; proxy_pass http://127.0.0.1:%%PORT3%%; }
    }
    server {
        listen unix:%%DIR%%/broken.sock;
        server_name copying;
        error_page 400 = /up?from=$request_uri;
        location = /up { proxy_pass http://127.0.0.1:%%PORT3%%; }
    }
    server {
        listen unix:%%DIR%%/broken.sock;
        listen 127.0.0.1:%%PORT2%% ssl http2;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        server_name returning;
        error_page 400 = @elsewhere;
        location @elsewhere { return 302 https://login.example/?next=$request_uri; }
    }
    server {
        listen unix:%%DIR%%/broken.sock;
        server_name setting;
        error_page 400 = @set;
        location @set { set $seen "$host$request_uri|$http_referer|"; access_log %%DIR%%/seen.log seen; return 200; }
    }
    server {
        listen unix:%%DIR%%/broken.sock;
        server_name checking;
        error_page 400 = @checked;
        error_page 501 = /checked$is_args$args;
        location @checked { herald_auth static; herald_token_from query=token; try_files /none =204; }
        location = /checked { herald_auth static; herald_token_from query=token; try_files /none =204; }
    }
    server {
        listen unix:%%DIR%%/broken.sock;
        server_name afterwards;
        post_action /up;
        location = /up { post_action off; proxy_pass http://127.0.0.1:%%PORT3%%; }
    }
}
CONF
my $h = Herald->new(conf => $conf, redis => 0, sidecar => 0);
$h->write_file('page', 'page');

# Sends bytes as they are, reads to the end.
sub raw {
    my ($bytes, $name) = @_;
    my $stream = $h->connect(port => $h->port($name // 'PORT'));
    $stream->write($bytes =~ s/SECRET/$SECRET/gr);
    return $stream->read_all;
}

# The access log's lines so far, once there are more than before.
my $lines = 0;
sub next_log_line {
    my @all;
    wait_for(sub { (@all = split /\n/, $h->read_file('all.log')) > $lines }, 'a line of the access log');
    return $all[$lines++];
}

# -- what nginx shows of a good request
my $expected = "GET /vars?a=1&token=$STARS&b=2 HTTP/1.1|/vars?a=1&token=$STARS&b=2|a=1&token=$STARS&b=2|$STARS||http://h/p?token=$STARS&x|?";
my $answer = $h->http(GET => "/vars?a=1&token=$SECRET&b=2", Referer => "http://h/p?token=$SECRET&x");
is $answer->{body}, $expected, 'every variable shows stars, as many as the token has bytes';
is next_log_line(), "200|GET /vars?a=1&token=$STARS&b=2 HTTP/1.1|/vars?a=1&token=$STARS&b=2|a=1&token=$STARS&b=2|a=1&token=$STARS&b=2|?"
    . "|$STARS|-|-|http://h/p?token=$STARS&x|-|/vars|/vars|", 'so does the access log';

for my $case (
    ['in upper case' => "TOKEN=$SECRET", "TOKEN=$STARS"],
    ['percent-encoded' => "%74o%6Ben=$SECRET", "%74o%6Ben=$STARS"],
    ['an argument that is configured elsewhere, in another case' => "Key=$SECRET", "Key=$STARS"],
    ['twice' => "token=$SECRET&token=$SECRET", "token=$STARS&token=$STARS"],
    ['percent-encoded itself' => "token=%73$SECRET", "token=***$STARS"],
    ['behind a semicolon' => "a;token=$SECRET", "a;token=$STARS"],
    ['behind a second question mark' => "a?token=$SECRET", "a?token=$STARS"],
    ['behind nothing' => "&&token=$SECRET&", "&&token=$STARS&"],
    ['with strange signs' => "token=\"$SECRET'<>;=", "token=*$STARS*****"],
) {
    my ($what, $args, $masked) = @$case;
    my $body = $h->http(GET => "/vars?$args")->{body};
    like $body, qr{^GET /vars\?\Q$masked\E HTTP/1.1\|/vars\?\Q$masked\E\|\Q$masked\E\|}, "a token $what";
    unlike next_log_line(), qr/\Q$SECRET/, '  also in the log';
}
is $h->http(GET => '/vars?a=b&tokens=1&xtoken=2&token&token=')->{body} =~ s/\|.*//r,
    'GET /vars?a=b&tokens=1&xtoken=2&token&token= HTTP/1.1', 'what is no token stays';
next_log_line();

# -- in other forms of a request
for my $case (
    ['absolute form' => "GET http://localhost/vars?token=SECRET HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200],
    ['absolute form without a path' => "GET http://localhost?token=SECRET HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404],
    ['HTTP/1.0' => "GET /vars?token=SECRET HTTP/1.0\r\n\r\n", 200],
    ['HTTP/0.9' => "GET /vars?token=SECRET\r\n", 200],
    ['a fragment' => "GET /vars?a#token=SECRET HTTP/1.0\r\n\r\n", 200],
    ['two slashes' => "GET //vars/../vars?token=SECRET HTTP/1.0\r\n\r\n", 200],
    ['an internal redirect' => "GET /rewritten?token=SECRET HTTP/1.0\r\n\r\n", 200],
    ['try_files' => "GET /try?token=SECRET HTTP/1.0\r\n\r\n", 200],
    ['a named location' => "GET /named?token=SECRET HTTP/1.0\r\n\r\n", 200],
    ['a redirect' => "GET /redirect?token=SECRET HTTP/1.0\r\n\r\n", 301],
    ['404' => "GET /none?token=SECRET HTTP/1.0\r\n\r\n", 404],
    ['405' => "POST /page?token=SECRET HTTP/1.0\r\nContent-Length: 0\r\n\r\n", 405],
    ['413' => "POST /big?token=SECRET HTTP/1.0\r\nContent-Length: 5\r\n\r\n12345", 413],
    ['502' => "GET /nobody?token=SECRET HTTP/1.0\r\nReferer: /?token=SECRET\r\n\r\n", 502],
    ['a log of its own' => "GET /own?token=SECRET HTTP/1.0\r\n\r\n", 404],
    ['several referrers' => "GET /none HTTP/1.0\r\nReferer: /?Key=SECRET\r\nReferer: /?token=SECRET\r\n\r\n", qr/404|400/],
    ['an offer of a subprotocol' => "GET /none HTTP/1.0\r\nSec-WebSocket-Protocol: herald.raw, bearer.SECRET\r\n\r\n", 404],
    # -- and requests whose header never comes to its end
    ['400: a broken line' => "GET /x?token=SECRET HTTP/x\r\n\r\n", 400],
    ['400: a blank in it' => "GET /x?token=SECRET more HTTP/1.1\r\nHost: h\r\n\r\n", 400],
    ['400: a control character' => "GET /x?token=SECRET\x01 HTTP/1.1\r\nHost: h\r\n\r\n", 400],
    ['400: an invalid method' => "get /x?token=SECRET HTTP/1.1\r\nHost: h\r\n\r\n", 400],
    ['400: an invalid escape' => "GET /%zz?token=SECRET HTTP/1.1\r\nHost: h\r\n\r\n", 400],
    ['400: no host' => "GET /x?token=SECRET HTTP/1.1\r\n\r\n", 400],
    ['400: a bad host' => "GET http://a b/?token=SECRET HTTP/1.1\r\nHost: h\r\n\r\n", 400],
    ['400: a header with NUL' => "GET /x?token=SECRET HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer SECRET\0\r\n\r\n", 400],
    ['400: a header with a control character' => "GET /x?token=SECRET HTTP/1.1\r\nHost: h\r\nReferer: /?token=SECRET\r\nA\x01B: c\r\n\r\n", 400],
    ['400: a bad length' => "GET /x?token=SECRET HTTP/1.1\r\nHost: h\r\nReferer: /?token=SECRET\r\nContent-Length: x\r\n\r\n", 400],
    ['414' => 'GET /x?token=SECRET&' . 'a' x 5000 . " HTTP/1.1\r\nHost: h\r\n\r\n", 414],
    ['494' => "GET /x?token=SECRET HTTP/1.1\r\nHost: h\r\nReferer: /?token=SECRET\r\nA: " . 'a' x 5000 . "\r\n\r\n", 400],
    ['494: in a secret header' => "GET /x?token=SECRET HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer SECRET" . 'a' x 5000 . "\r\n\r\n", 400],
    ['505' => "GET /x?token=SECRET HTTP/7.0\r\nHost: h\r\n\r\n", 505],
    ['408: half a request line' => 'GET /x?token=SECRET', 408],
    ['408: half a header' => "GET /x?token=SECRET HTTP/1.1\r\nHost: h\r\nReferer: /?token=SECRET\r\nA", 408],
    ['an ignored header line' => "GET /none HTTP/1.0\r\nX_KEY: SECRET\r\n\r\n", 404],
    ['a header line without a colon' => "GET /none HTTP/1.0\r\nX-API-Key=SECRET\r\n\r\n", 404],
    ['a token on a line of its own' => "GET /none HTTP/1.0\r\nReferer: /\r\nSECRET.SECRET.SECRET\r\n\r\n", 404],
    ['two Authorization headers' => "GET /none HTTP/1.0\r\nAuthorization: Bearer SECRET\r\nAuthorization: Bearer SECRET\r\n\r\n", qr/404|400/],
) {
    my ($what, $bytes, $status) = @$case;
    my $body = raw($bytes);
    my $line = next_log_line();
    like $line, qr/^(?:$status)\|/, "$what: $status";
    unlike $line, qr/\Q$SECRET/, '  without the token in the access log';
    unlike $body, qr/\Q$SECRET/, '  nor in the answer';
    like $line, qr/\*{27}/, '  with stars' if $line =~ /token/i;
}

# -- one connection, several requests: the later ones have nginx's own handlers again
my $kept = $h->connect;
for my $n (1 .. 3) {
    $kept->write("GET /none?token=$SECRET HTTP/1.1\r\nHost: h\r\n\r\n");
    my ($status, $headers) = Herald::Http::read_head($kept);
    Herald::Http::read_body($kept, 'GET', $status, $headers);
    next_log_line();
}
$kept->write("GET /x?token=$SECRET oops HTTP/1.1\r\n\r\n");
is +(Herald::Http::read_head($kept))[0], 400, 'a bad request on a connection that is kept';
unlike next_log_line(), qr/\Q$SECRET/, '  without the token in the access log';
$kept = $h->connect;
$kept->write("GET /none?token=$SECRET HTTP/1.1\r\nHost: h\r\n\r\n" . "GET /x?token=$SECRET HTTP/x\r\n\r\n");
like $kept->read_all, qr/ 404 .* 400 /s, 'pipelined';
next_log_line() for 1 .. 2;

# -- HTTP/2
my $h2 = 'https://127.0.0.1:' . $h->port('PORT2');
my ($code, $output) = $h->curl('--http2', '-H', "Referer: http://h/?token=$SECRET", "$h2/vars?a=1&%74oken=$SECRET");
is $output, "GET /vars?a=1&%74oken=$STARS HTTP/2.0|/vars?a=1&%74oken=$STARS|a=1&%74oken=$STARS|||http://h/?token=$STARS|?", 'HTTP/2: every variable';
unlike next_log_line(), qr/\Q$SECRET/, '  and the access log';
($code, $output) = $h->curl('--http2', '-o', '/dev/null', '-o', '/dev/null', '-w', '%{http_code} ', map { "$h2/vars?token=$SECRET" } 1 .. 2);
is $output, '200 200 ', 'HTTP/2: twice on a connection, where the second names the header by its number';
unlike next_log_line(), qr/\Q$SECRET/, '  without the token in the access log' for 1 .. 2;
for my $case (
    ['404' => '/none', 404],
    ['a bad length' => '/none', 400, '-H', 'Content-Length: x'],
    ['a header that is too long' => '/none', 400, '-H', 'A: ' . 'a' x 30_000],
    ['a value with a control character' => '/none', 400, '-H', "Authorization: Bearer $SECRET\x01"],
) {
    my ($what, $path, $status, @more) = @$case;
    $h->curl('--http2', '-o', '/dev/null', '--stderr', '/dev/null', '--max-time', 5, @more, "$h2$path?token=$SECRET&Key=$SECRET");
    unlike next_log_line(), qr/\Q$SECRET/, "HTTP/2: $what";
}

# -- a log that is no file
raw("GET /syslog?token=SECRET HTTP/1.0\r\n\r\n");
next_log_line();
$syslog->recv(my $message, 65536);
like $message, qr{^<\d+>.*request: "GET /syslog\?token=\*{27} HTTP/1.0"}, 'syslog gets stars too';

# -- upstreams
my $upstream = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => $h->port('PORT3'), ReuseAddr => 1)
    or die "upstream: $!";
$upstream->timeout(20);

# The head of the request that comes to the upstream.
sub upstream_gets {
    my $connection = $upstream->accept or die "nothing came to the upstream: $!";
    my $head = '';
    $head .= <$connection> until $head =~ /\r\n\r\n/;
    print $connection "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
    close $connection;
    return $head;
}

for my $path ('/up', '/up/fixed') {
    my $client = $h->connect;
    $client->write("GET $path?a=1&token=$SECRET HTTP/1.0\r\nReferer: http://h/?token=$SECRET\r\nAuthorization: Bearer t\r\nCookie: c=1\r\n\r\n");
    my $head = upstream_gets();
    like $client->read_all, qr/ok\z/, "$path: proxied";
    my $to = $path eq '/up' ? '/up' : '/fixed';
    like $head, qr{^GET $to\?a=1&token=\Q$STARS\E HTTP}, '  without the token in the URI';
    like $head, qr{^Referer: http://h/\?token=\Q$STARS\E\r$}m, '  nor in the Referer';
    like $head, qr{^Authorization: Bearer t\r\n}m, '  with Authorization, which the upstream may need';
    like $head, qr{^Cookie: c=1\r\n}m, '  and cookies';
    next_log_line();
}
is $h->http(GET => "/x?token=$SECRET", Host => 'second')->{body}, "/x?token=$STARS", 'servers without Herald redact too';
next_log_line();

# -- where an error_page leads requests whose header is wrong, or never comes to its end
sub broken {
    my $socket = IO::Socket::UNIX->new(Peer => $h->path('broken.sock')) or die "broken.sock: $!";
    print $socket $_[0] =~ s/SECRET/$SECRET/gr;
    return $socket;
}
sub answer_to_broken { my $socket = broken(@_); return do { local $/; <$socket> } }

for my $case (
    ['400: no host' => "GET /x?a=1&token=SECRET HTTP/1.1\r\nReferer: /r?token=SECRET\r\nSec-WebSocket-Protocol: herald.raw, bearer.SECRET\r\n\r\n",
        qr{^GET /x\?a=1&token=\*{27} HTTP}, qr{^Referer: /r\?token=\*{27}\r$}m, qr{^Sec-WebSocket-Protocol: herald.raw, bearer.\*{27}\r$}m],
    ['400: a bad length' => "GET /x?token=SECRET HTTP/1.1\r\nHost: proxied\r\nReferer: /r?token=SECRET\r\nContent-Length: x\r\n\r\n",
        qr{^GET /x\?token=\*{27} HTTP}, qr{^Referer: /r\?token=\*{27}\r$}m],
    ['400: an invalid header' => "GET /x?token=SECRET HTTP/1.1\r\nHost: proxied\r\nReferer: /r?token=SECRET\r\nA\x01B: c\r\n\r\n",
        qr{^GET /x\?token=\*{27} HTTP}, qr{^Referer: /r\?token=\*{27}\r$}m],
    ['494' => "GET /x?token=SECRET HTTP/1.1\r\nHost: proxied\r\nReferer: /r?token=SECRET\r\nA: " . 'a' x 5000 . "\r\n\r\n",
        qr{^GET /x\?token=\*{27} HTTP}, qr{^Referer: /r\?token=\*{27}\r$}m],
    ['414' => 'GET /x?token=SECRET&' . 'a' x 5000 . " HTTP/1.1\r\nHost: proxied\r\n\r\n",
        qr{^GET /up HTTP}, qr{^X-Line: GET /x\?token=\*{27}&a+\r$}m],
    ['505' => "GET /x?token=SECRET HTTP/7.0\r\nHost: proxied\r\n\r\n",
        qr{^GET /up HTTP}, qr{^X-Line: GET /x\?token=\*{27} HTTP/7}m],
    ['a redirect with arguments made of the request' => "GET http://copying/x?token=SECRET HTTP/1.1\r\n\r\n",
        qr{^GET /up\?from=/x\?token=\*{27} HTTP}],
    ['post_action' => "GET http://afterwards/x?token=SECRET HTTP/1.1\r\nReferer: /r?token=SECRET\r\n\r\n",
        qr{^GET /up HTTP}, qr{^Referer: /r\?token=\*{27}\r$}m],
) {
    my ($what, $bytes, @expected) = @$case;
    my $client = broken($bytes);
    my $head = upstream_gets();
    unlike $head, qr/\Q$SECRET/, "$what: no token goes upstream";
    like $head, $_, '  but stars' for @expected;
    close $client;
    unlike next_log_line(), qr/\Q$SECRET/, '  nor into the access log';
}
my $redirected = answer_to_broken("GET http://returning/x?token=SECRET HTTP/1.1\r\n\r\n");
like $redirected, qr{^Location: https://login.example/\?next=/x\?token=\*{27}\r$}m, 'a redirect to elsewhere has stars';
next_log_line();
($code, $output) = $h->curl('--http2', '-o', '/dev/null', '-w', '%{redirect_url}', '-H', 'Host: returning', '-H', 'Content-Length: x', "$h2/x?token=$SECRET");
is $output, "https://login.example/?next=/x?token=$STARS", '  over HTTP/2, too';
next_log_line();
answer_to_broken("GET http://setting/x?token=SECRET HTTP/1.1\r\nReferer: /r?token=SECRET\r\n\r\n");
wait_for(sub { $h->read_file('seen.log') =~ /\n/ }, 'the log of what was set');
is $h->read_file('seen.log'), "setting/x?token=$STARS|/r?token=$STARS|\n", 'so has a variable that is set';
for my $case (
    ['a named location' => "GET http://checking/x?token=TOKEN HTTP/1.1\r\n\r\n"],
    ['a URI' => "GET http://checking/x?token=TOKEN HTTP/1.1\r\nHost: checking\r\nTransfer-Encoding: x\r\n\r\n"],
) {
    my ($what, $bytes) = @$case;
    like answer_to_broken($bytes =~ s/TOKEN/SECRET/r), qr{^HTTP/1.1 204 }, "$what still asks for the token, and gets it";
    like answer_to_broken($bytes =~ s/TOKEN/bad/r), qr{^HTTP/1.1 401 }, '  as it is';
    next_log_line() for 1 .. 2;
}
is raw("GET /x?token=SECRET HTTP/1.1\r\nHost: localhost\r\n\r\n", 'PORT2') =~ s/.*\r\n\r\n//sr,
    "GET /x?token=$STARS HTTP/1.1|/x?token=$STARS|token=$STARS|$STARS|||?", '497: every variable';
next_log_line();

# -- what the configuration sets is for its upstream, each time
for my $time (qw(first second)) {
    my $client = $h->connect;
    $client->write("GET /up/service HTTP/1.0\r\n\r\n");
    like upstream_gets(), qr{^GET /service\?token=\Q$SECRET\E HTTP}, "a token that is set goes upstream the $time time";
    $client->read_all;
    unlike next_log_line(), qr/\Q$SECRET/, '  but not into the access log';
}

# -- redirects that bring a token themselves
{
    my $client = $h->connect;
    $client->write("GET /accel/up HTTP/1.0\r\n\r\n");
    like upstream_gets(), qr{^GET /up\?a=1&token=\*{27} HTTP}, 'X-Accel-Redirect: its token does not go upstream';
    $client->read_all;
    unlike next_log_line(), qr/\Q$SECRET/, '  nor into the access log';
}
is $h->http(GET => '/accel/checked')->{status}, 204, '  but opens what asks for it';
is $h->http(GET => '/accel/checked?token=bad')->{status}, 401, "  unless the client had one of its own";
is $h->http(GET => '/guest')->{status}, 204, "an error_page's own token opens it, the $_ time" for qw(first second);
next_log_line() for 1 .. 4;

is $h->http(GET => '/a', Host => 'rewriting')->{status}, 404, 'a server without locations rewrites';
like next_log_line(), qr{\|/ax\|/ax\|$}, '  once';

# -- the error logs
$h->stop_nginx;
for my $log ('error.log', 'http.log', 'own.log', 'second.log', 'all.log', 'seen.log') {
    unlike $h->read_file($log), qr/\Q$SECRET/i, "no token in $log";
}
my $errors = $h->read_file('http.log');
for my $line (
    qr/client sent invalid request.*request: "GET \/x\?token=\*{27}/,
    qr/client sent invalid header line: "Authorization: \*+/,
    qr/client sent invalid header line: "X_KEY: \*{27}"/,
    qr/client sent invalid header line: "\*{37}"/,
    qr/client sent invalid header line: "\*{83}"/,
    qr/client sent too long header line: "A: /,
    qr/client timed out.*request: "GET \/x\?token=\*{27}"/,
    qr/No such file.*request: "GET \/none\?token=\*{27} HTTP\/1.1", host: "h"/,
    qr/No such file.*request: "GET \/none\?token=\*{27}&Key=\*{27} HTTP\/2.0"/,
    qr/connect\(\) failed.*upstream: "http:\/\/127.0.0.1:1\/nobody\?token=\*{27}", referrer: "\/\?token=\*{27}"/,
) {
    like $errors, $line, 'what is left of a line tells what happened';
}
like $h->read_file('own.log'), qr{request: "GET /own\?token=\*{27} HTTP/1.0"}, 'a location may have a log of its own';

# -- the configuration
my ($status, $text) = nginx_t('events {} http { %%TEMP_PATHS%% error_log %%DIR%%/d.log debug; server { location / { herald_token_from header; } } }');
is $status, 0, 'a debug log is taken';
is +(() = $text =~ /\[warn\].* herald: an error_log is at debug level/g), 1, '  with one warning';
($status, $text) = nginx_t('events {} http { %%TEMP_PATHS%% error_log %%DIR%%/d.log debug; server { } }');
unlike $text, qr/herald: /, 'without Herald there is no warning';

$h->finish;
done_testing;

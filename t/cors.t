# Which pages may call: preflights without a token, headers on every answer, and the Origin of handshakes.

use strict;
use warnings;
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', redis => 0, sidecar => 0, env => { JSON_ORIGINS => ' ["http://json:3000", "https://two.example"]', LIST_ORIGINS => 'http://list:1, HTTPS://Upper.Example ,' });
env JSON_ORIGINS;
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    limit_req_zone $http_x_limited zone=limited:32k rate=1r/m;
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT2%% ssl http2;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        server_name localhost;
        herald_cors https://app.example http://localhost:3000 credentials;
        root %%DIR%%;
        location = /stream { herald_subscribe x:1; herald_greeting hello '{}'; }
        location = /publish { herald_publish x:1; }
        location = /keys { herald_token_from api_key=X-Api-Key:X-Api-Secret; try_files /file =500; }
        location = /empty { return 204; }
        location = /secret { auth_basic on; auth_basic_user_file %%DIR%%/users; }
        location = /denied { deny all; }
        location = /limited { limit_req zone=limited; try_files /file =500; }
        location = /own { proxy_pass http://127.0.0.1:%%PORT3%%/; gzip on; gzip_vary on; gzip_types text/plain; gzip_min_length 1; }
        location = /zipped { gzip on; gzip_min_length 1; gzip_types application/json; herald_subscribe x:1; }
        location = /named { error_page 403 = @named; herald_subscribe x:1; }
        location @named { return 418 "named"; }
        location = /page { error_page 403 /403.html; herald_subscribe x:1; }
        location = /elsewhere { error_page 403 https://login.example/; herald_subscribe x:1; }
        location = /any { herald_cors *; try_files /file =500; }
        location = /any/stream { herald_cors *; herald_subscribe x:1; }
        location = /json { herald_cors env:JSON_ORIGINS; try_files /file =500; }
        location = /list { herald_cors env:LIST_ORIGINS https://more.example; try_files /file =500; }
        location = /off { herald_cors off; herald_subscribe x:1; herald_greeting hello '{}'; }
        location = /any/cookie { herald_cors *; herald_token_from cookie=sid; herald_subscribe x:1; }
        location = /post { herald_token_from header cookie=sid; proxy_pass http://127.0.0.1:%%PORT3%%/; }
        location = /cookie { herald_cors off; herald_token_from cookie=sid; herald_subscribe x:1; herald_greeting hello '{}'; }
    }
    server {
        listen 127.0.0.1:%%PORT3%%;
        location / {
            add_header Access-Control-Allow-Origin *;
            add_header Access-Control-Expose-Headers X-Upstream;
            add_header Access-Control-Allow-Credentials maybe;
            return 200 "upstream";
        }
    }
}
CONF
$h->write_file('users', '');
$h->write_file('403.html', 'a page of the operator');
$h->write_file('file', 'content');

my $APP = 'https://app.example';
my @PREFLIGHT = ('Access-Control-Request-Method' => 'GET');

sub cors_of {
    my $headers = $_[0]{headers};
    return join '|', map { $headers->{$_} // '-' } qw(access-control-allow-origin access-control-allow-credentials vary);
}
sub preflight { my ($path, $origin, @more) = @_; return $h->http(OPTIONS => $path, Origin => $origin, @PREFLIGHT, @more) }

# -- preflights
my $answer = preflight('/stream', $APP, 'Access-Control-Request-Headers' => 'authorization, last-event-id');
is $answer->{status}, 200, 'a preflight is answered';
is $answer->{body}, '', '  with nothing';
is $answer->{headers}{'content-length'}, 0, '  and says so';
is cors_of($answer), "$APP|true|Origin", '  its origin, credentials, Vary';
is $answer->{headers}{'access-control-allow-methods'}, 'GET, OPTIONS', '  methods';
is $answer->{headers}{'access-control-allow-headers'}, 'Authorization, Last-Event-ID, Content-Type, Cache-Control', '  headers';
is $answer->{headers}{'access-control-max-age'}, 600, '  for ten minutes';
is preflight($_, $APP)->{headers}{'access-control-allow-methods'}, 'GET, POST, OPTIONS', "$_ takes POST" for '/publish', '/secret';
like preflight('/keys', $APP)->{headers}{'access-control-allow-headers'}, qr/, x-api-key, x-api-secret\z/, 'the headers of API keys are allowed';
is preflight($_, $APP)->{status}, 200, "$_: before authentication" for '/secret', '/denied';
is preflight('/limited', $APP, 'X-Limited' => 1)->{status}, 200, 'limit_req';
is preflight('/limited', $APP, 'X-Limited' => 1)->{status}, 503, '  comes before';
is $h->http(OPTIONS => '/stream', Origin => $APP)->{status}, 405, 'OPTIONS without a method to ask for is no preflight';
is $h->http(OPTIONS => '/stream', Origin => $APP)->{headers}{allow}, 'GET, HEAD', '  Allow stays right';
is $h->http(OPTIONS => '/stream', @PREFLIGHT)->{status}, 405, 'nor is it one without an origin';

for my $origin ('https://evil.example', 'http://app.example', 'https://app.example.evil', 'https://app.example:444', 'https://sub.app.example',
    'https://APP.example', 'https://app.example/', 'null', '*', '', "$APP $APP", "$APP, https://evil.example")
{
    my $refused = preflight('/stream', $origin);
    is $refused->{status}, 403, "a preflight from \"$origin\" is refused";
    is $refused->{body}, '{"detail":"Disallowed CORS origin"}', '  in JSON';
    is cors_of($refused), '-|-|Origin', '  without a word of it';
    is cors_of($h->http(GET => '/file', Origin => $origin)), '-|-|Origin', '  nor on a plain request';
}
my $two = $h->connect;
$two->write("GET /file HTTP/1.0\r\nOrigin: $APP\r\nOrigin: $APP\r\n\r\n");
unlike $two->read_all, qr/Access-Control/, 'two Origin headers allow nothing';
is preflight('/json', $_)->{status}, 200, "$_: of a JSON array" for 'http://json:3000', 'https://two.example';
is preflight('/list', $_)->{status}, 200, "$_: of a list" for 'http://list:1', 'https://upper.example', 'https://more.example';
is preflight('/list', $APP)->{status}, 403, 'a location that has its own does not inherit';
is preflight('/off', $APP)->{status}, 405, 'herald_cors off';
is cors_of(preflight('/any', 'https://whoever')), '*|-|Origin', 'a star allows all';
is preflight('/any', 'null')->{status}, 403, '  but null';

# -- every answer
my $sse = $h->sse('/stream', headers => { Origin => $APP });
is cors_of({ headers => $sse->headers }), "$APP|true|Origin", 'a stream';
is $sse->headers->{'access-control-expose-headers'}, 'Retry-After, WWW-Authenticate, X-Request-ID', '  with what a page may read';
for my $case ([200 => '/file'], [204 => '/empty'], [401 => '/secret'], [403 => '/denied'], [404 => '/none'], [405 => '/publish'], [503 => '/limited']) {
    my ($status, $path) = @$case;
    my %more = $status == 503 ? ('X-Limited' => 1) : ();
    for my $method ('GET', 'HEAD') {
        my $with = $h->http($method, $path, Origin => $APP, %more);
        is $with->{status}, $status, "$method $path: $status";
        is cors_of($with), "$APP|true|Origin", '  with a listed origin';
    }
    is cors_of($h->http(GET => $path, %more)), '-|-|Origin', '  without an origin: Vary for caches';
}
is $h->http(GET => '/file', Origin => 'http://localhost:3000')->{headers}{'access-control-allow-origin'}, 'http://localhost:3000', 'another listed origin';
my $proxied = $h->http(GET => '/own', Origin => $APP, 'Accept-Encoding' => 'gzip');
is cors_of($proxied), "$APP|true|Accept-Encoding, Origin", "an upstream's own CORS headers give way, its Vary does not"
    or diag $proxied->{head};
is $proxied->{headers}{'access-control-expose-headers'}, 'Retry-After, WWW-Authenticate, X-Request-ID', '  all of them';
is cors_of($h->http(HEAD => '/off', Origin => $APP)), '-|-|-', 'closed without herald_cors';

# -- the body of a refusal
my $evil = 'https://evil.example';
sub refused_h1 {
    my ($what, $version, $path, %more) = @_;
    my $refused = $h->http(OPTIONS => $path, Origin => $evil, @PREFLIGHT, ':version' => $version, %more);
    is $refused->{status}, 403, "$what: refused";
    is $refused->{headers}{'content-type'}, 'application/json', '  as JSON';
    is $refused->{body}, '{"detail":"Disallowed CORS origin"}', '  with its body';
    return $refused->{headers};
}
is refused_h1('HTTP/1.1', '1.1', '/stream')->{'content-length'}, 35, '  and length';
is refused_h1('HTTP/1.0', '1.0', '/stream')->{'content-length'}, 35, '  and length';
is refused_h1('a browser that nginx pads pages for', '1.1', '/stream', 'User-Agent' => 'Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1) Chrome/1.0')->{'content-length'}, 35, '  and length';
is refused_h1('a file', '1.1', '/file')->{'etag'}, undef, '  without ETag';
my ($code, $output) = $h->curl('--http2', '-i', '-X', 'OPTIONS', '-H', "Origin: $evil", '-H', 'Access-Control-Request-Method: GET', 'https://localhost:' . $h->port('PORT2') . '/stream');
like $output, qr{^HTTP/2 403.*^content-type: application/json.*^content-length: 35.*\r\n\r\n\{"detail":"Disallowed CORS origin"\}\z}ms, 'HTTP/2';
($code, $output) = $h->curl('--compressed', '-i', '-X', 'OPTIONS', '-H', "Origin: $evil", '-H', 'Access-Control-Request-Method: GET', 'http://127.0.0.1:' . $h->port . '/zipped');
like $output, qr{Content-Encoding: gzip.*\r\n\r\n\{"detail":"Disallowed CORS origin"\}\z}s, 'gzip';
is preflight('/named', $evil)->{body}, 'named', 'error_page with a named location answers instead';
my $page = preflight('/page', $evil);
is "$page->{status} $page->{headers}{'content-type'} $page->{body}", '403 text/html a page of the operator', 'error_page with a page too';
is preflight('/elsewhere', $evil)->{status}, 302, 'error_page elsewhere too';

my $kept = $h->connect;
for my $body ('', 'x' x 10, 'y' x 100_000) {
    $kept->write("OPTIONS /stream HTTP/1.1\r\nHost: h\r\nOrigin: $_\r\nAccess-Control-Request-Method: GET\r\nContent-Length: " . length($body) . "\r\n\r\n$body")
        for $evil, $APP;
    for my $expected (403, 200) {
        my ($status, $headers) = Herald::Http::read_head($kept);
        Herald::Http::read_body($kept, 'OPTIONS', $status, $headers);
        is $status, $expected, 'on a connection that is kept, with a body of ' . length($body) . " bytes: $expected";
    }
}

# -- WebSocket
my $host = 'localhost:' . $h->port;
sub handshake { my ($path, $origin, %o) = @_; return $h->ws($path, %o, headers => { Host => $host, (defined $origin ? (Origin => $origin) : ()) })->status }
is handshake('/stream', $APP), 101, 'a handshake from a listed origin';
is handshake('/stream', undef), 101, 'from no browser';
is handshake('/stream', "http://$host"), 101, 'from a page of the same host and port';
is handshake('/stream', "https://$host"), 101, 'from one behind TLS that ended in front of nginx';
is handshake('/stream', $_), 403, "from $_" for $evil, 'null', '', 'http://localhost', 'http://localhost:1', "http://$host.evil", "http://evil/$host";
is handshake('/any/stream', $evil), 101, 'a star allows all';
is handshake('/any/stream', 'null'), 403, '  but null';
is handshake('/off', $evil), 101, 'without herald_cors any page may';
is handshake('/cookie', $evil), 403, '  but where tokens come from cookies';
is handshake('/cookie', "http://$host"), 101, '  a page of the same host and port';
is handshake('/cookie', undef), 101, '  or no browser';
is handshake('/any/cookie', $evil), 403, '  also where a star allows all, but for credentials';
is handshake('/any/cookie', "http://$host"), 101, '  a page of the same host and port';

# -- what a form of any page can send
sub post { my ($origin, %more) = @_; return $h->http(($more{method} // 'POST') => '/post', Host => $host, Cookie => 'sid=t', (defined $origin ? (Origin => $origin) : ()), %{ $more{headers} || {} })->{status} }
is post($evil), 403, "a cookie's token from another page";
is post('null'), 403, '  or from a sandboxed one';
is post($evil, method => $_), 403, "  by $_" for qw(PUT DELETE PATCH);
is post($APP), 200, '  from a listed one';
is post("http://$host"), 200, '  from its own';
is post(undef), 200, '  from no browser';
is post($evil, headers => { Cookie => '' }), 200, 'without a token it is as anybody can send it';
is post($evil, headers => { Authorization => 'Bearer t' }), 200, 'with a token that no browser adds';
is post($evil, method => 'GET'), 200, 'a mere look, which the page cannot read';

my $tls = 'localhost:' . $h->port('PORT2');
is $h->ws('/stream', tls => 1, port => $h->port('PORT2'), headers => { Host => $tls, Origin => "http://$tls" })->status, 403, 'over TLS a page without it is another origin';
is $h->ws('/stream', tls => 1, port => $h->port('PORT2'), headers => { Host => $tls, Origin => "https://$tls" })->status, 101, '  and one with it the same';
is $h->ws('/stream', headers => { Origin => $evil })->body, '{"detail":"Disallowed CORS origin"}', 'the refusal says why';

# -- subprotocols of browsers
my $ws = $h->ws('/off', protocol => 'herald.raw, bearer.YWJj');
is $ws->protocol, 'herald.raw', 'herald.raw is chosen beside a token';
is $ws->next_text, '{}', '  and is the data alone';
is $h->ws('/off', protocol => 'bearer.YWJj, herald.v1')->protocol, 'herald.v1', 'so is herald.v1';
is $h->ws('/off', protocol => 'bearer.YWJj')->protocol, undef, 'a token is never echoed';

# -- the configuration
sub configured {
    my ($directive, %env) = @_;
    return nginx_t("events {} http { \%\%TEMP_PATHS\%\% server { location / { $directive } } }", env => \%env);
}
for my $case (
    ['herald_cors https://a/;' => qr/"herald_cors" origin "https:\/\/a\/" has a path/],
    ['herald_cors a.example;' => qr/has no scheme, it must be like https:\/\/example.com/],
    ['herald_cors https://*.example;' => qr/has an invalid host/],
    ['herald_cors https://a:443;' => qr/has its scheme's own port, which browsers leave out/],
    ['herald_cors https://a:x;' => qr/has an invalid port/],
    ['herald_cors null;' => qr/cannot allow the origin "null"/],
    ['herald_cors credentials;' => qr/needs an origin/],
    ['herald_cors * credentials;' => qr/cannot have "\*" with credentials/],
    ['herald_cors * https://a;' => qr/has "\*" and other origins/],
    ['herald_cors off https://a;' => qr/off takes no further parameter/],
    ['herald_cors https://a credentials credentials;' => qr/has "credentials" twice/],
    ['herald_cors https://a; herald_cors https://b;' => qr/"herald_cors" is duplicate/],
    ['herald_cors env:;' => qr/env: needs the name/],
    ['herald_cors env:E;' => qr/needs a JSON array of strings or a comma-separated list in env:E: /, E => '["https://a"'],
    ['herald_cors env:E;' => qr/needs a JSON array of strings in env:E, element 2 is none/, E => '["https://a", 1]'],
    ['herald_cors env:E;' => qr/origin "https:\/\/a\/" in env:E has a path/, E => '["https://a/"]'],
    ['herald_cors env:E credentials;' => qr/cannot have "\*" with credentials/, E => '*'],
    ['herald_token_from what;' => qr/"herald_token_from" knows header, cookie=, query= and api_key=, not "what"/],
    ['herald_token_from header header;' => qr/has "header" twice/],
    ['herald_token_from cookie=;' => qr/cookie= needs a name/],
    ['herald_token_from "cookie=a b";' => qr/cookie= needs a name/],
    ['herald_token_from query=a%20b;' => qr/query= needs a name/],
    ['herald_token_from query=a query=A;' => qr/has "query=A" twice/],
    ['herald_token_from api_key=X:;' => qr/api_key= needs the name of a header, or of two/],
    ['herald_token_from api_key=X:x;' => qr/one header for the key and the secret/],
    ['herald_token_from api_key=Cookie;' => qr/tokens come from it by "header" and "cookie="/],
    ['herald_token_from api_key=X api_key=x:y;' => qr/has the header of "api_key=x:y" twice/],
) {
    my ($directive, $complaint, %env) = @$case;
    my ($status, $text) = configured($directive, %env);
    isnt $status, 0, "refused: $directive";
    like $text, qr/\[emerg\].*$complaint/, '  and why';
}
for my $good ('herald_cors https://a http://b:1 credentials;', 'herald_cors off;', 'herald_token_from header cookie=a cookie=b query=q query=r api_key=X-K:X-S api_key=Y;') {
    is +(configured($good))[0], 0, "taken: $good";
}
my ($status, $text) = configured('herald_cors env:E;', E => undef);
is $status, 0, 'an environment variable that is not set is taken';
like $text, qr/\[warn\].*"herald_cors" reads "env:E", which is not set: it allows no origin/, '  with a warning';

$h->finish;
done_testing;

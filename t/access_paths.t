# However a request gets to a location, its token is looked at there or was before: internal redirects, conditions, other methods,
# nginx's own checks beside ours, requests that wait for the sidecar while their clients leave.

use strict;
use warnings;
use Test::More;
use Herald;
use Herald::Jwt;

my $secret = 'a-secret-of-at-least-32-bytes-1234567890';
my $h = Herald->new(conf => <<'CONF', toml => <<'TOML', env => { SECRET => $secret });
worker_processes 1;
events { worker_connections 1024; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    herald_issuer hs { secret env:SECRET; leeway 0s; }
    herald_issuer away { jwks url:https://127.0.0.1:1/keys; }
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT2%% ssl http2;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        location = /stream { herald_auth hs; herald_subscribe jobs:1; }
        location = /tried { herald_auth hs; try_files /none @stream; }
        location = /tried/uri { herald_auth hs; try_files /none /internal; }
        location = /sent { herald_auth hs; proxy_pass http://127.0.0.1:%%PORT3%%; }
        location = /error { herald_auth hs; proxy_intercept_errors on; error_page 402 = @stream; proxy_pass http://127.0.0.1:%%PORT3%%; }
        location @stream { herald_subscribe jobs:1; }
        location = /internal { internal; herald_subscribe jobs:1; }
        location = /again { try_files /none @checked; }
        location @checked { herald_auth hs; try_files /none =204; }

        location = /check { herald_auth hs; try_files /none =204; }
        location = /away { herald_auth away; try_files /none =204; }
        location = /either { satisfy any; deny all; herald_auth away hs; auth_basic realm; auth_basic_user_file %%DIR%%/users; try_files /none =204; }
        location = /both { auth_basic realm; auth_basic_user_file %%DIR%%/users; herald_auth hs; herald_token_from query=token; auth_request /asked; try_files /none =204; }
        location = /any { satisfy any; auth_basic realm; auth_basic_user_file %%DIR%%/users; herald_auth hs; auth_request /asked; try_files /none =204; }
        location = /asked { internal; proxy_pass http://127.0.0.1:%%PORT3%%; proxy_pass_request_body off; proxy_set_header Content-Length ""; }
        location = /page { herald_auth away; error_page 503 = /check; try_files /none =204; }
        location = /if { herald_auth hs; if ($http_x_if) { add_header X-If 1; } try_files /none =204; }
        location = /if/stream { herald_auth hs; if ($http_x_if) { add_header X-If 1; } herald_subscribe jobs:1; }
        location = /except { herald_auth hs; limit_except GET { deny 1.2.3.4; } try_files /none =204; }
        location = /mirrored { herald_auth hs; mirror /asked; try_files /none =204; }
        location = /history { herald_auth hs; herald_history jobs:1; }
        location = /publish { herald_auth hs; herald_publish jobs:1; }
        location = /status { herald_auth hs; herald_status; }
        location = /closed/health { herald_auth hs; herald_health; }
        location = /health { herald_health; }
    }
    server {
        listen 127.0.0.1:%%PORT3%%;
        location = /sent { add_header X-Accel-Redirect /internal; return 200; }
        location = /error { return 402; }
        location = /asked { if ($http_x_asked) { return 204; } return 401; }
    }
}
CONF
%%SIDECAR%%
[ring]
size = "1M"
max_message = "64K"
[[feed]]
name = "jobs"
channels = "jobs:{id}"
TOML
$h->write_file('users', 'basic:' . crypt('password', 'ab') . "\n");
wait_for(sub { $h->http(GET => '/health')->{status} == 200 }, 'the sidecar');

sub token { return jwt({ iat => time - 1, @_ }, secret => $secret) }
sub bearer { return (Authorization => "Bearer $_[0]") }
sub status { my ($method, $path, @headers) = @_; return $h->http($method => $path, @headers)->{status} }
my $token = token(sub => 'u', exp => time + 3600);

# -- without a token
for my $path (qw(/stream /tried /tried/uri /sent /error /again /check /if /if/stream /except /mirrored /history /publish /status /closed/health)) {
    is status($_ => $path), 401, "$_ $path: 401" for qw(GET HEAD OPTIONS POST);
}
is status(GET => $_, 'X-If' => 1), 401, "$_ under a condition: 401" for qw(/if /if/stream);
is status(GET => '/internal'), 404, 'an internal location is not to be had from outside';
is status(GET => $_, bearer($token)), 204, "with one $_ is open" for qw(/again /check /if /except /mirrored);

# -- a stream keeps to the token that let it in
{
    my @paths = qw(/stream /tried /tried/uri /sent /error);
    my $short = token(sub => 'short', exp => time + 4);
    my $revoked = token(sub => 'revoked', exp => time + 3600);
    my %ends = map { $_ => $h->sse($_, headers => { bearer($short) }) } @paths;
    my %cut = map { $_ => $h->sse($_, headers => { bearer($revoked) }) } @paths;
    my %goes_on = map { $_ => $h->sse($_, headers => { bearer($token) }) } @paths;
    $h->redis_publish('herald:revoke', '{"sub":"revoked"}');
    is $cut{$_}->ended, 'clean', "$_: a revocation cuts it" for @paths;
    is $ends{$_}->ended(20), 'clean', "$_: it ends with its token" for @paths;
    $h->redis_publish('jobs:1', '{"n":1}');
    is $goes_on{$_}->next_event->{data}, '{"n":1}', "$_: another goes on" for @paths;
}

# -- nginx's own checks beside it
my @basic = (Authorization => 'Basic ' . MIME::Base64::encode_base64('basic:password', ''));
my @asked = ('X-Asked' => 1);
sub challenges { my $answer = $h->http(GET => @_); return "$answer->{status} " . ($answer->{headers}{'www-authenticate'} // '-') }
is challenges("/both?token=$token", @asked), '401 Basic realm="realm"', 'all: auth_basic asks first';
is challenges('/both', @basic, @asked), '401 Bearer realm="herald"', '  then ours';
like challenges("/both?token=$token", @basic), qr/^401 -/, '  then auth_request';
is challenges("/both?token=$token", @basic, @asked), '204 -', '  and all together let in';
is challenges('/any'), '401 Basic realm="realm", Bearer realm="herald"', 'any: all that would do are named';
is challenges('/any', @basic), '204 -', '  auth_basic does';
is challenges('/any', bearer($token)), '204 -', '  a token does';
is challenges('/any', @asked), '204 -', '  auth_request does';
is challenges('/any', bearer("$token.")), '401 Basic realm="realm", Bearer realm="herald", error="invalid_token"', '  a bad token does not';
is challenges('/any', bearer("$token."), @asked), '204 -', '  and does not stand in the way';

# -- requests that wait: a worker that has just started without the sidecar
$h->stop_nginx;
$h->stop_sidecar;
sub request { my ($path, @more) = @_; return join "\r\n", "GET $path HTTP/1.1", 'Host: h', "Authorization: Bearer $token", @more, '', '' }
my @paths = qw(/check /away /either /stream /page);
my %expected = ('/check' => 204, '/away' => 503, '/either' => 204, '/stream' => 200, '/page' => 204);
for my $meanwhile ('they stay', 'nginx reloads', 'nginx stops') {
    $h->start_nginx;
    my @clients = map { $h->connect } 0 .. 99;
    $clients[$_]->write(request($paths[$_ % 5]) . ($_ % 5 == 3 ? '' : request('/check', 'Connection: close'))) for 0 .. 99;
    my @curls = map {
        my $pid = fork // die "fork: $!";
        exec 'curl', '-q', '-s', '-k', '--http2', '--noproxy', '*', '-m', 0.1 * $_, '-o', '/dev/null', '-H', "Authorization: Bearer $token",
            'https://localhost:' . $h->port('PORT2') . '/check' if !$pid;
        $pid;
    } 1 .. 5;
    waitpid $_, 0 for @curls;
    $clients[$_ * 4]->close, $clients[$_ * 4 + 1]->abort for 0 .. 24;
    if ($meanwhile eq 'nginx stops') { $h->stop_nginx; last }
    $h->reload if $meanwhile eq 'nginx reloads';
    my %got;
    for my $n (grep { $_ % 4 >= 2 } 0 .. 99) {
        my ($status, $headers) = Herald::Http::read_head($clients[$n]);
        $got{"$paths[$n % 5] $status"}++;
        next if $n % 5 == 3 || $meanwhile eq 'nginx reloads';    # a worker that leaves keeps no connection
        Herald::Http::read_body($clients[$n], 'GET', $status, $headers);
        my ($next) = Herald::Http::read_head($clients[$n]);
        $got{"then $next"}++;
    }
    my %next = $meanwhile eq 'nginx reloads' ? () : ('then 204' => 40);
    is_deeply \%got, { (map { ("$_ $expected{$_}" => 10) } @paths), %next }, "$meanwhile: others leave, these are answered in order";
    $_->close for @clients;
    $h->stop_nginx;
}
unlike $h->error_log, qr/exited on signal/, 'no worker died';
$h->finish;
done_testing;

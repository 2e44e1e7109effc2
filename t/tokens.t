# Tokens at the edge: who gets in, who does not and how it is told, whatever is sent; nothing of a token or a secret in a log.

use strict;
use warnings;
use Test::More;
use Herald;
use Herald::Jwt;

my $secret = 'a-secret-of-at-least-32-bytes-1234567890';
my $other_secret = 'another-secret-of-at-least-32-bytes-0987654321';
my $dir = File::Temp->newdir;
my $keys = Herald::Jwt::Keys->new("$dir");
my $now = time;

sub write_jwks {
    my ($name, @keys) = @_;
    open my $file, '>', "$dir/$name.tmp" or die $!;
    print $file jwks(@keys);
    close $file or die $!;
    rename "$dir/$name.tmp", "$dir/$name" or die $!;
}
write_jwks('keys.json',
    $keys->jwk('rsa', kid => 'rsa', alg => 'RS256', use => 'sig'),
    $keys->jwk('rsa2', kid => 'pss', alg => 'PS256'),
    $keys->jwk('ec', kid => 'ec'), $keys->jwk('ec384', kid => 'ec384'), $keys->jwk('ed', kid => 'ed'),
    $keys->jwk('weak', kid => 'weak'), { kty => 'oct', kid => 'oct', k => base64url($secret) });

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML',
env HERALD_IGNORED;
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    herald_issuer hs { iss https://hs.example/; aud streams other; secret env:HS_SECRET; roles_claim realm_access.roles; leeway 5s; }
    herald_issuer hs_next { iss https://hs.example/; aud streams; secret env:HS_NEXT; roles_claim realm_access.roles; leeway 5s; }
    herald_issuer keys { iss https://keys.example/; jwks file:${KEYS_DIR}/keys.json; user_claim email; }
    herald_issuer by_sub { iss https://two.example/; secret env:HS_SECRET; }
    herald_issuer by_mail { iss https://two.example/; secret env:HS_SECRET; user_claim email; }
    herald_issuer unset { iss https://unset.example/; secret env:HERALD_TEST_UNSET; }
    herald_issuer unset_domain { iss https://${HERALD_TEST_UNSET}/; jwks url:https://${HERALD_TEST_UNSET}/jwks.json; }
    map $herald_auth_status $why { none "Not authenticated"; default "No \"$herald_auth_status\""; }
    log_format auth '$uri|$status|$herald_auth_status|$herald_user|$herald_roles|$herald_claim_org|$herald_token_from';
    access_log %%DIR%%/auth.log auth;

    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT2%% ssl http2;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        herald_static_token env:STATIC_TOKEN user=ops role=admin role=ops;
        herald_static_token sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad user=abc;
        herald_credentials env:CREDENTIALS;
        add_header X-User $herald_user;
        add_header X-Roles $herald_roles;
        herald_token_from header query=token cookie=access_token api_key=X-API-Key:X-API-Secret;

        location = /all { herald_auth hs hs_next keys static; try_files /none =204; }
        location = /hs { herald_auth hs; try_files /none =204; }
        location = /keys { herald_auth keys; herald_token_from header; try_files /none =204; }
        location = /by_sub { herald_auth by_sub by_mail; try_files /none =204; }
        location = /by_mail { herald_auth by_mail by_sub by_mail; try_files /none =204; }
        location = /static { herald_auth static; try_files /none =204; }
        location = /open { herald_auth off; try_files /none =204; }
        location = /unset { herald_auth unset unset_domain; try_files /none =204; }
        location ~ ^/users/(?<who>[^/]+)$ {
            herald_auth hs static; herald_require user=$who role=admin; herald_admin_role root; try_files /none =204;
        }
        location = /two { herald_auth hs; herald_require role=a role=b; herald_require claim=org=o1 claim=meta.org=o1; try_files /none =204; }
        location = /denied {
            herald_auth hs; herald_require role=none;
            herald_denied none=403 invalid=401 forbidden=404 'body={"detail":"$why"}'; try_files /none =204;
        }
        location = /proxied { herald_auth hs; proxy_set_header X-User $herald_user; proxy_set_header X-Org $herald_claim_org; proxy_pass http://127.0.0.1:%%PORT%%/echo; }
        location = /echo { return 200 "user=$http_x_user org=$http_x_org\n"; }
        location = /page { herald_auth hs; error_page 401 = @login; try_files /none =204; }
        location @login { return 302 /login; }

        location = /any { satisfy any; herald_auth hs; auth_basic realm; auth_basic_user_file %%DIR%%/htpasswd; try_files /none =204; }
        location = /both { satisfy all; herald_auth hs; auth_basic realm; auth_basic_user_file %%DIR%%/htpasswd; herald_token_from query=token; try_files /none =204; }
        location = /any_ip { satisfy any; allow 127.0.0.1; deny all; herald_auth hs; try_files /none =204; }
        location = /any_far { satisfy any; deny all; herald_auth hs; try_files /none =204; }
        location = /all_far { deny all; herald_auth hs; try_files /none =204; }
        location = /sub_yes { herald_auth hs; auth_request /yes; try_files /none =204; }
        location = /sub_no { satisfy any; herald_auth hs; auth_request /no; try_files /none =204; }
        location = /sub_any { satisfy any; herald_auth hs; auth_request /yes; try_files /none =204; }
        location = /yes { return 204; }
        location = /no { return 403; }

        location ~ ^/stream/(?<id>[^/]+)$ { herald_auth hs keys; herald_subscribe jobs:$id; herald_greeting hello '{"user":"$herald_user"}'; }
        location = /health { herald_health; }
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
    nginx => 0, env => {
        HS_SECRET => $secret, HS_NEXT => $other_secret, KEYS_DIR => "$dir", STATIC_TOKEN => "static-token-1\n",
        CREDENTIALS => json_text([{ id => 'svc', token => 'svc-token', roles => 'render:read' },
            { id => 'pair', key => 'key1', secret => 'sec1' }, { id => 'bare', key => 'key2' }, { token => 7 }]),
        HERALD_TEST_UNSET => undef });
$h->write_file('htpasswd', 'basic:' . crypt('basic-password', 'ab') . "\n");
$h->start_nginx;
wait_for(sub { $h->http(GET => '/health')->{status} == 200 }, 'the sidecar');

my %good = (iss => 'https://hs.example/', aud => 'streams', sub => 'u1', exp => $now + 600);
my %goodk = (iss => 'https://keys.example/', email => 'e@x', exp => $now + 600);
sub hs { my ($claims, %o) = @_; return jwt({ %good, %{ $claims || {} } }, secret => $secret, %o) }
sub without { my ($name) = @_; my %claims = %good; delete $claims{$name}; return jwt(\%claims, secret => $secret) }
sub keyed { my ($name, $alg, %o) = @_; return jwt({ %goodk }, key => $keys->pem($name), alg => $alg, kid => $name, %o) }
sub bearer { return (Authorization => "Bearer $_[0]") }

my @sent = ($secret, $other_secret, 'static-token-1', 'svc-token', 'sec1');    # what no log may hold
sub get {
    my ($path, %headers) = @_;
    push @sent, grep { length > 20 } map { /\S+\z/g } grep { !/Basic/ } values %headers;
    push @sent, $1 if $path =~ /token=([^&]{20,})/;
    return $h->http(GET => $path, %headers);
}
sub status_is {
    my ($path, $headers, $status, $what) = @_;
    is get($path, @$headers)->{status}, $status, "$what: $status";
}

# -- good ones, from everywhere
my $token = hs();
is get('/hs', bearer($token))->{headers}{'x-user'}, 'u1', 'a good token gets in, and its user is known';
status_is('/hs', [Authorization => "bEARER $token"], 204, 'the scheme in any case');
status_is('/hs', [Authorization => "Bearer   $token"], 204, 'blanks behind it');
status_is("/hs?token=$token", [], 204, 'in the query');
status_is('/hs', [Cookie => "a=b; access_token=$token; c=d"], 204, 'in a cookie');
status_is('/hs', [bearer($token), Cookie => 'access_token=other'], 204, 'the header wins over the cookie');
status_is("/hs?token=$token", [bearer($token)], 400, 'header and query');
status_is("/hs?token=$token", [Cookie => "access_token=$token"], 400, 'cookie and query');
status_is("/keys?token=" . keyed('rsa', 'RS256'), [], 401, 'in the query where that is not allowed');
sub who_is {
    my ($headers, $user, $roles, $what) = @_;
    my $answer = get('/static', @$headers);
    is_deeply [@{ $answer->{headers} }{qw(x-user x-roles)}], [$user, $roles], $what;
}
who_is([bearer('static-token-1')], 'ops', 'admin,ops', 'a static token, with its user and roles');
who_is([bearer('abc')], 'abc', undef, 'one known by its digest');
who_is([bearer('svc-token')], 'svc', 'render:read', 'a credential');
who_is(['X-API-Key' => 'key1', 'X-API-Secret' => 'sec1'], 'pair', undef, 'an API key and its secret');
who_is(['X-API-Key' => 'key2'], 'bare', undef, 'an API key without one');
status_is('/static', [bearer('svc-token'), 'X-API-Key' => 'nonsense'], 204, 'the bearer wins over the API key');
for (['rsa', 'RS256'], ['ec', 'ES256'], ['ec384', 'ES384'], ['ed', 'EdDSA']) {
    is get('/keys', bearer(keyed(@$_)))->{headers}{'x-user'}, 'e@x', "$_->[1]";
}
is get('/keys', bearer(keyed('rsa2', 'PS256', kid => 'pss')))->{status}, 204, 'PS256';
status_is('/hs', [bearer(hs(undef, alg => 'HS256', header_text => '{"alg":"HS256"}'))], 204, 'no typ');
status_is('/hs', [bearer(hs({ aud => ['x', 'other'] }))], 204, 'one of several audiences');
status_is('/hs', [bearer(hs({ exp => time - 2 }))], 204, 'within the leeway');
status_is('/hs', [bearer(hs(undef, kid => '../../etc/passwd'))], 204, 'a kid, which a lone secret does not need');
status_is('/hs', [bearer(without('exp'))], 204, 'one that never expires');
status_is('/all', [bearer(jwt({%good}, secret => $other_secret))], 204, 'the second issuer of the same iss');
status_is('/all', [bearer($token)], 204, 'the first one');
status_is('/open', [], 204, 'an open location');
status_is('/open', [bearer('nonsense')], 204, 'an open location looks at no token');
my (undef, $h2) = $h->curl('--http2', '-o', '/dev/null', '-w', '%{http_code}', '-H', "Authorization: Bearer $token",
    'https://localhost:' . $h->port('PORT2') . '/hs');
is $h2, 204, 'HTTP/2';

# -- bad ones
my ($head, $body, $mac) = split /\./, $token;
my $far = 4_000_000_000;
my %bad = (
    'nothing' => '', 'a word' => 'nonsense', 'one dot' => "$head.$body", 'four parts' => "$token.$mac",
    'five parts' => "$token.$mac.$mac", 'only dots' => '..', 'an empty header' => ".$body.$mac",
    'empty claims' => "$head..$mac", 'an empty signature' => "$head.$body.", 'a dot behind it' => "$token.",
    'padding' => "$token=", 'padding in the header' => "$head=.$body.$mac", 'a blank inside' => "$head. $body.$mac",
    'plain base64' => "$head.$body." . join('', map { tr{-_}{+/}r } $mac =~ /[-_]/ ? $mac : "$mac+"),
    'a changed signature' => hs(undef, signature => sub { $_[0] ^ ("\0" x 31 . "\1") }),
    'a signature cut short' => hs(undef, signature => sub { substr $_[0], 0, 31 }),
    'a longer signature' => hs(undef, signature => sub { "$_[0]\0" }),
    'a signature of zeros' => hs(undef, signature => "\0" x 32),
    'trailing bits in the signature' => "$head.$body." . do { my $m = $mac; substr($m, -1) =~ tr{AEIMQUYcgkosw048}{BFJNRVZdhlptx159}; $m },
    'other claims' => "$head." . base64url(json_text({ %good, sub => 'root' })) . ".$mac",
    'another secret' => jwt({%good}, secret => $other_secret),
    'alg none' => hs(undef, alg => 'none'), 'alg None' => hs(undef, header => { alg => 'None' }),
    'alg nOnE with a signature' => hs(undef, header => { alg => 'nOnE' }),
    'alg hs256' => hs(undef, header => { alg => 'hs256' }), 'no alg' => hs(undef, header_text => '{"typ":"JWT"}'),
    'alg as a number' => hs(undef, header_text => '{"alg":256}'), 'alg as a list' => hs(undef, header_text => '{"alg":["HS256"]}'),
    'alg twice' => hs(undef, header_text => '{"alg":"HS256","alg":"HS256"}'),
    'HS512 where HS256 is meant' => hs(undef, alg => 'HS512'), 'HS384' => hs(undef, alg => 'HS384'),
    'RS256 of a key that is not ours' => hs(undef, alg => 'RS256', key => $keys->pem('rsa2')),
    'ES512' => hs(undef, header => { alg => 'ES512' }), 'ES256K' => hs(undef, header => { alg => 'ES256K' }),
    'crit' => hs(undef, header => { crit => ['exp'] }), 'an empty crit' => hs(undef, header => { crit => [] }),
    'b64' => hs(undef, header => { b64 => JSON::PP::false }), 'typ JWE' => hs(undef, header => { typ => 'JWE' }),
    'kid as a number' => hs(undef, header => { kid => 5 }),
    'jwk in the header' => hs(undef, header => { jwk => { kty => 'oct', k => base64url('x' x 32) } }, signature => Digest::SHA::hmac_sha256('x', 'x' x 32)),
    'no JSON in the header' => hs(undef, header_text => 'alg'), 'a list as the header' => hs(undef, header_text => '["HS256"]'),
    'a header with something behind it' => hs(undef, header_text => '{"alg":"HS256"} x'),
    'a byte order mark' => hs(undef, header_text => "\xef\xbb\xbf" . '{"alg":"HS256"}'),
    'invalid UTF-8 in the header' => hs(undef, header_text => "{\"alg\":\"HS256\",\"x\":\"\xff\"}"),
    'a NUL in the header' => hs(undef, header_text => "{\"alg\":\"HS256\\u0000\"}"),
    'no JSON in the claims' => hs(undef, claims_text => 'sub'), 'claims that are a list' => hs(undef, claims_text => '[]'),
    'claims that are null' => hs(undef, claims_text => 'null'), 'a string as claims' => hs(undef, claims_text => '"x"'),
    'claims twice over' => hs(undef, claims_text => json_text({%good}) x 2),
    'two exp' => hs(undef, claims_text => qq({"iss":"$good{iss}","aud":"streams","exp":$far,"exp":$far})),
    'two sub' => hs(undef, claims_text => qq({"iss":"$good{iss}","aud":"streams","sub":"a","sub":"b"})),
    'deep nesting' => hs(undef, claims_text => qq({"iss":"$good{iss}","aud":"streams","x":) . '[' x 3000 . ']' x 3000 . '}'),
    'invalid UTF-8 in the claims' => hs(undef, claims_text => qq({"iss":"$good{iss}","aud":"streams","sub":"\xc3"})),
    'expired' => hs({ exp => $now - 10 }), 'expired long ago' => hs({ exp => 1 }), 'exp 0' => hs({ exp => 0 }),
    'a negative exp' => hs({ exp => -5 }), 'exp as a string' => hs({ exp => "$far" }), 'exp null' => hs({ exp => undef }),
    'exp as an object' => hs({ exp => {} }), 'exp true' => hs({ exp => JSON::PP::true }),
    'exp -1e300' => hs(undef, claims_text => qq({"iss":"$good{iss}","aud":"streams","exp":-1e300})),
    'nbf ahead' => hs({ nbf => $now + 600 }), 'nbf as a string' => hs({ nbf => "$now" }), 'nbf 1e300' => hs(undef, claims_text => qq({"iss":"$good{iss}","aud":"streams","nbf":1e300})),
    'iat ahead' => hs({ iat => $now + 600 }), 'iat as a list' => hs({ iat => [] }),
    'no iss' => without('iss'), 'another iss' => hs({ iss => 'https://evil.example/' }), 'iss without its slash' => hs({ iss => 'https://hs.example' }),
    'iss with more behind it' => hs({ iss => 'https://hs.example/x' }), 'iss in another case' => hs({ iss => 'https://HS.example/' }),
    'iss as a list' => hs({ iss => ['https://hs.example/'] }), 'iss of another issuer' => hs({ iss => 'https://keys.example/' }),
    'iss with a NUL' => hs({ iss => "https://hs.example/\0" }), 'an empty iss' => hs({ iss => '' }),
    'no aud' => without('aud'), 'another aud' => hs({ aud => 'stream' }), 'an aud that begins so' => hs({ aud => 'streams2' }),
    'an empty aud' => hs({ aud => '' }), 'no audiences' => hs({ aud => [] }), 'numbers as aud' => hs({ aud => [1, 2] }),
    'aud as an object' => hs({ aud => { streams => 1 } }), 'a list in aud' => hs({ aud => [['streams']] }),
    'sub as a number' => hs({ sub => 7 }), 'jti as a number' => hs({ jti => 7 }),
    'a user with a line end' => hs({ sub => "u\r\nX-Admin: 1" }),
    'more than 8 KiB' => hs({ pad => 'x' x 8192 }), 'much more' => hs({ pad => 'x' x 12000 }),
    'the static token' => 'static-token-1', 'quotes' => qq("$token"), 'a percent sign' => "%$token",
);
for my $what (sort keys %bad) {
    my @headers = (Authorization => "Bearer $bad{$what}");
    my $answer = get('/hs', @headers);
    # A header that nginx itself finds too large never reaches us.
    my $expected = length $bad{$what} > 8000 ? qr/\A40[01]\z/ : qr/\A401\z/;
    like $answer->{status}, $expected, "$what is refused";
    next if $answer->{status} != 401;
    like $answer->{headers}{'www-authenticate'}, qr/\ABearer realm="herald"/, '  with a challenge';
    like $answer->{body}, qr/\A\{"detail":"[^"]+"\}\z/, '  in JSON';
}
my %bad_keyed = (
    'RS256 with HS256 keyed by the public PEM' => jwt({%goodk}, alg => 'HS256', secret => $keys->public_pem('rsa'), kid => 'rsa'),
    'HS256 keyed by the modulus' => jwt({%goodk}, alg => 'HS256', secret => $keys->jwk('rsa')->{n}, kid => 'rsa'),
    'the set\'s own symmetric key' => jwt({%goodk}, secret => $secret, kid => 'oct'),
    'RS512 for a key of RS256' => keyed('rsa', 'RS512'), 'PS256 for a key of RS256' => keyed('rsa', 'PS256'),
    'RS256 for a key of PS256' => keyed('rsa2', 'RS256', kid => 'pss'),
    'a weak key' => keyed('weak', 'RS256'), 'the wrong key' => keyed('rsa2', 'RS256', kid => 'rsa'),
    'another kid' => keyed('rsa', 'RS256', kid => 'nobody'), 'an empty kid' => keyed('rsa', 'RS256', kid => ''),
    'a kid in another case' => keyed('rsa', 'RS256', kid => 'RSA'), 'a kid with a NUL' => keyed('rsa', 'RS256', kid => "rsa\0"),
    'the kid of another kind' => keyed('rsa', 'RS256', kid => 'ec'),
    'ES256 in DER' => jwt({%goodk}, alg => 'ES256', kid => 'ec', signature => Herald::Jwt::_openssl('x', 'dgst', '-sha256', '-sign', $keys->pem('ec'))),
    'ES256 of zeros' => jwt({%goodk}, alg => 'ES256', kid => 'ec', signature => "\0" x 64),
    'ES256 of 63 bytes' => keyed('ec', 'ES256', signature => sub { substr $_[0], 0, 63 }),
    'ES256 of 65 bytes' => keyed('ec', 'ES256', signature => sub { "$_[0]\0" }),
    'ES256 with r and s swapped' => keyed('ec', 'ES256', signature => sub { substr($_[0], 32) . substr($_[0], 0, 32) }),
    'ES384 for a P-256 key' => keyed('ec384', 'ES384', kid => 'ec'), 'ES256 for a P-384 key' => keyed('ec', 'ES256', kid => 'ec384'),
    'RS256 without its last byte' => keyed('rsa', 'RS256', signature => sub { substr $_[0], 0, 255 }),
    'RS256 with a zero before it' => keyed('rsa', 'RS256', signature => sub { "\0$_[0]" }),
    'RS256 of zeros' => jwt({%goodk}, alg => 'RS256', kid => 'rsa', signature => "\0" x 256),
    'EdDSA changed' => keyed('ed', 'EdDSA', signature => sub { $_[0] ^ ("\1" . "\0" x 63) }),
    'EdDSA of 63 bytes' => keyed('ed', 'EdDSA', signature => sub { substr $_[0], 0, 63 }),
    'EdDSA with an EC key' => keyed('ed', 'EdDSA', kid => 'ec'),
);
status_is('/keys', [bearer($bad_keyed{$_})], 401, $_) for sort keys %bad_keyed;

# -- headers
my %bad_headers = (
    'nothing at all' => [], 'an empty Authorization' => [Authorization => ''], 'Bearer alone' => [Authorization => 'Bearer'],
    'Bearer and blanks' => [Authorization => 'Bearer   '], 'no scheme' => [Authorization => $token], 'another scheme' => [Authorization => "Basic $token"],
    'Bearer with a colon' => [Authorization => "Bearer: $token"], 'Bearer without a blank' => [Authorization => "Bearer$token"],
    'two tokens in one header' => [Authorization => "Bearer $token $token"], 'a comma' => [Authorization => "Bearer $token, Bearer $token"],
    'a cookie of another name' => [Cookie => "Access_Token=$token"],
    'an empty cookie' => [Cookie => 'access_token='], 'another header' => ['X-Authorization' => "Bearer $token"],
    'an API key that is the token' => ['X-API-Key' => $token],
);
for my $what (sort keys %bad_headers) {
    my $answer = get('/hs', @{ $bad_headers{$what} });
    is $answer->{status}, 401, "$what: 401";
}
status_is('/static', ['X-API-Key' => 'key1'], 401, 'a key without its secret');
status_is('/static', ['X-API-Key' => 'key1', 'X-API-Secret' => 'sec2'], 401, 'a key with another secret');
status_is('/static', ['X-API-Key' => 'key2', 'X-API-Secret' => 'x'], 401, 'a secret for a key that has none');
status_is('/static', ['X-API-Secret' => 'sec1'], 401, 'a secret alone');
status_is('/static', [bearer($token)], 401, 'a JWT for a location of static tokens');
status_is('/static', [bearer('static-token-')], 401, 'a static token cut short');
status_is('/static', [bearer('svc-token-')], 401, 'a static token and more');
status_is('/hs?token=', [], 401, 'an empty argument');
status_is("/hs?token=$token&token=$token", [], 400, 'two arguments');
status_is('/hs', [Cookie => "access_token=a; access_token=b"], 400, 'two cookies');
{
    my $raw = $h->connect;
    $raw->write("GET /hs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer $token\r\nAuthorization: Bearer $token\r\n\r\n");
    like $raw->read_all, qr{\AHTTP/1.1 400 }, 'two Authorization headers';
}

# -- what is told
my $none = get('/hs');
is $none->{body}, '{"detail":"Authentication required"}', 'no token: which it says';
is $none->{headers}{'content-type'}, 'application/json', '  in JSON';
is $none->{headers}{'www-authenticate'}, 'Bearer realm="herald"', '  with a bare challenge';
is $h->http(HEAD => '/hs')->{status}, 401, '  HEAD too';
like get('/hs', bearer(hs({ exp => $now - 10 })))->{headers}{'www-authenticate'}, qr/error="invalid_token", error_description="The token has expired"/, 'expired: which it says';
my $lacks = get('/two', bearer($token));
is $lacks->{status}, 403, 'a good token without the grants';
is $lacks->{headers}{'www-authenticate'}, 'Bearer realm="herald", error="insufficient_scope"', '  is told so';
is $lacks->{body}, '{"detail":"Access denied"}', '  in JSON';
my $unset = get('/unset', bearer($token));
is $unset->{status}, 503, 'nothing configured: 503';
is $unset->{body}, '{"detail":"Authentication is not configured"}', '  which it says';
is get('/unset')->{status}, 503, '  also without a token';
my $denied = get('/denied');
is $denied->{status}, 403, 'herald_denied: none';
is $denied->{body}, '{"detail":"Not authenticated"}', '  with its own body';
is get('/denied', bearer('x'))->{body}, '{"detail":"No \"invalid\""}', '  whose variables are escaped';
is get('/denied', bearer($token))->{status}, 404, '  forbidden';
is get('/page')->{headers}{location} =~ m{/login\z} ? 1 : 0, 1, 'error_page answers in our place';

# -- grants
status_is('/users/u1', [bearer($token)], 204, 'the user that is asked for');
status_is('/users/u2', [bearer($token)], 403, 'another user');
status_is('/users/u2', [bearer('static-token-1')], 204, 'a role that suffices');
status_is('/users/u2', [bearer(hs({ realm_access => { roles => ['x', 'root'] } }))], 204, 'the admin role');
status_is('/users/u2', [bearer(hs({ roles => ['root'] }))], 403, 'the admin role at another path');
status_is('/two', [bearer(hs({ realm_access => { roles => 'x b' }, org => 'o1' }))], 204, 'every line holds');
status_is('/two', [bearer(hs({ realm_access => { roles => 'b' }, meta => { org => ['o0', 'o1'] } }))], 204, 'by another claim');
status_is('/two', [bearer(hs({ realm_access => { roles => 'b' }, org => 'o2' }))], 403, 'one line does not');
status_is('/two', [bearer(hs({ org => 'o1' }))], 403, 'nor the other');
is get('/proxied', bearer(hs({ org => 'o1' })))->{body}, "user=u1 org=o1\n", 'an upstream is told user and claims';
is get('/proxied', bearer(hs({ org => "o1\r\nX-User: root" })))->{body}, "user=u1 org=\n", '  but no line ends';

# -- several issuers of a token
my $of_two = hs({ iss => 'https://two.example/', email => 'u1@example' });
is get('/by_sub', bearer($of_two))->{headers}{'x-user'}, 'u1', 'the first issuer says whose it is';
is get('/by_mail', bearer($of_two))->{headers}{'x-user'}, 'u1@example', 'the other one, where it is the first';

# -- beside nginx's own
my $basic = 'Basic ' . MIME::Base64::encode_base64('basic:basic-password', '');
status_is('/any', [bearer($token)], 204, 'satisfy any: our token');
status_is('/any', [Authorization => $basic], 204, 'satisfy any: basic');
status_is('/any', [], 401, 'satisfy any: neither');
like get('/any')->{body}, qr/\A\{"detail":/, '  in JSON';
status_is("/both?token=$token", [Authorization => $basic], 204, 'satisfy all: both');
status_is("/both?token=$token", [], 401, 'satisfy all: ours alone');
status_is('/both', [Authorization => $basic], 401, 'satisfy all: basic alone');
status_is('/any_ip', [], 204, 'satisfy any: an address suffices');
status_is('/any_far', [bearer($token)], 204, 'satisfy any: a token in spite of deny');
status_is('/any_far', [], 401, 'satisfy any: neither');
status_is('/all_far', [bearer($token)], 403, 'deny comes first');
status_is('/sub_yes', [bearer($token)], 204, 'auth_request behind it');
status_is('/sub_yes', [], 401, 'auth_request does not stand in for it');
status_is('/sub_no', [bearer($token)], 204, 'satisfy any: ours, not the subrequest');
status_is('/sub_any', [], 204, 'satisfy any: the subrequest, not ours');

# -- streams
my $sse = $h->sse('/stream/1', headers => { bearer($token) });
is $sse->next_event->{data}, '{"user":"u1"}', 'a stream knows its user';
$h->redis_publish('jobs:1', '{"n":1}');
is $sse->next_event->{data}, '{"n":1}', 'and streams';
is get('/stream/1')->{status}, 401, 'not without a token';
is $h->http(GET => '/stream/1', Connection => 'Upgrade', Upgrade => 'websocket', 'Sec-WebSocket-Version' => 13,
    'Sec-WebSocket-Key' => 'dGhlIHNhbXBsZSBub25jZQ==')->{status}, 401, 'nor over WebSocket';
my $ws = $h->ws('/stream/1', headers => { 'Sec-WebSocket-Protocol' => 'herald.raw, bearer.' . base64url($token) });
is $ws->next_text, '{"user":"u1"}', 'a WebSocket whose token is a subprotocol';
$sse->close;

# -- in the end
$h->stop_nginx;
my $log = $h->read_file('auth.log');
like $log, qr{^/hs\|204\|ok\|u1\|-\|-\|header$}m, 'the access log knows who it was';
like $log, qr{^/static\|204\|ok\|pair\|-\|-\|api_key$}m, 'and by what';
like $log, qr{^/hs\|401\|expired\|-\|-\|-\|header$}m, 'and why not';
my $all = join '', $log, map { $h->read_file($_) } qw(error.log access.log nginx.out sidecar.log);
my %seen;
is_deeply [grep { !$seen{$_}++ && index($all, $_) >= 0 } @sent], [], 'no token and no secret is in a log';
unlike $all, qr/exited on signal|worker process \d+ exited with code [1-9]/, 'no worker died';

$h->finish;
done_testing;

# Mistakes in the directives about tokens: each is an error of `nginx -t` that says what would be right, none opens a location,
# and no secret is shown.

use strict;
use warnings;
use Test::More;
use Herald;

my $dir = File::Temp->newdir;
sub file {
    my ($name, $text) = @_;
    open my $file, '>', "$dir/$name" or die "$name: $!";
    print $file $text;
    close $file or die "$name: $!";
    return "$dir/$name";
}
my $pem = file('public.pem', "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n");
my $html = file('keys.html', '<html>');
my $empty = file('empty', '');
my $large = file('large', '{"keys":[]}' . ' ' x 70_000);
my %env = (SECRET => 'hush' x 8, SHORT => 'hush', COMMA => ' , ', LIST => '[{"id":"a","token":"hush"},]', ENTRY => '[{"id":"a"}]',
    UNSET => undef);

sub tried {
    my ($http, $location) = @_;
    return nginx_t("events {} http { \%\%TEMP_PATHS\%\% $http server { location / { $location } } }", env => \%env);
}
sub issuer { return tried("herald_issuer i { $_[0] }", 'herald_auth i;') }

for my $case (
    ['secret env:SHORT;' => qr/"secret" of herald_issuer "i" the secret has 4 bytes; it needs at least 32/],
    ["secret file:$pem;" => qr/the secret is a PEM file or a JWK/],
    ['secret hush;' => qr/must be env:NAME or file:PATH/],
    ['secret env:SECRET; ' x 5 => qr/takes at most 4 secrets/],
    ['secret env:SECRET; alg RS256;' => qr/a secret is for HS256, HS384 or HS512/],
    ['secret env:SECRET; alg none;' => qr/"alg" knows HS256, .* not "none"/],
    ['secret env:SECRET; aud "";' => qr/"aud" needs an audience, there is none in ""/],
    ['secret env:SECRET; aud ${COMMA};' => qr/"aud" needs an audience, there is none in "\$\{COMMA\}"/],
    ['secret env:SECRET; aud a ,;' => qr/"aud" needs an audience, there is none in ","/],
    ['secret env:SECRET; aud;' => qr/"aud" needs a value/],
    ['secret env:SECRET; iss "";' => qr/"iss" needs a value that is not empty/],
    ['secret env:SECRET; user_claim "";' => qr/"user_claim" needs a value that is not empty/],
    ['secret env:SECRET; iss a; iss b;' => qr/"iss" is duplicate/],
    ['secret env:SECRET; leeway 2h;' => qr/"leeway" must be a time of at most 1h, not "2h"/],
    ['secret env:SECRET; issuer x;' => qr/herald_issuer knows iss, aud, secret, jwks, alg, leeway, user_claim and roles_claim, not "issuer"/],
    ['iss a;' => qr/herald_issuer "i" needs a "secret" or a "jwks"/],
    ['jwks url:http://a/;' => qr/"jwks" must be file:PATH or url:https:/],
    ['jwks file:keys.json;' => qr/"jwks" needs an absolute path/],
    ["jwks file:$html;" => qr/this is no JWK set/],
    ["jwks file:$large;" => qr/has more than 65536 bytes/],
) {
    my ($block, $error) = @$case;
    my ($code, $output) = issuer($block);
    isnt $code, 0, "refused: $block";
    like $output, qr/\[emerg\].*$error/, '  and told why';
    unlike $output, qr/hush(?!;)/, '  without the secret' if $block !~ /secret hush/;
}
for my $case (
    ['herald_auth nobody;' => qr/names "nobody" in location "\/", and there is no herald_issuer of that name/],
    ['herald_auth off i;' => qr/off takes no further parameter/],
    ['herald_auth i; herald_auth i;' => qr/"herald_auth" is duplicate/],
    ['herald_auth static;' => qr/needs a herald_static_token or herald_credentials/],
    ['herald_require role=a;' => qr/"herald_require" protects nothing in location "\/": it needs herald_auth/],
    ['herald_auth i; herald_require a;' => qr/knows role=NAME, claim=PATH=VALUE and user=VALUE, not "a"/],
    ['herald_auth i; herald_require role=;' => qr/needs something to compare with/],
    ['herald_auth i; herald_require claim==x;' => qr/needs something to compare with/],
    ['herald_auth i; herald_admin_role "";' => qr/"herald_admin_role" needs a role/],
    ['herald_auth i; herald_denied none=200;' => qr/needs a status of 400 to 599, not "none=200"/],
    ['herald_auth i; herald_denied none=444;' => qr/needs a status of 400 to 599/],
    ['herald_auth i; herald_denied body=x;' => qr/needs a body that is JSON/],
    ['herald_auth i; herald_denied nobody=401;' => qr/knows none=, invalid=, forbidden=, unconfigured= and body=/],
    ['herald_static_token hush;' => qr/must be env:NAME or file:PATH \(or sha256:HEX\)/],
    ['herald_static_token sha256:abc;' => qr/needs the 64 hex digits/],
    ['herald_static_token env:SECRET users=a;' => qr/knows one user= and any number of role=/],
    ['herald_credentials env:ENTRY; herald_credentials off;' => qr/"herald_credentials" is off, and has credentials as well/],
    [q(herald_credentials '[{"id":"a","token":"hush"}]';) => qr/"herald_credentials" must be env:NAME, file:PATH or off/],
    ['herald_credentials env:LIST;' => qr/"env:LIST" is no JSON \(line 1, column \d+\)/],
) {
    my ($location, $error) = @$case;
    my ($code, $output) = tried('herald_issuer i { secret env:SECRET; }', $location);
    isnt $code, 0, "refused: $location";
    like $output, qr/\[emerg\].*$error/, '  and told why';
    unlike $output, qr/hush(?!;)/, '  without the secret' if $location !~ /token hush/;
}
my ($code, $output) = tried('herald_issuer i { secret env:SECRET; } herald_issuer i { secret env:SECRET; }', '');
isnt $code, 0, 'refused: two issuers of one name';
like $output, qr/"herald_issuer" "i" is duplicate/, '  and told why';

# What is not there closes a location; it does not keep nginx from starting.
for my $case (
    ['secret env:UNSET;' => qr/environment variable UNSET is not set; it vouches for no token/],
    ["secret file:$empty;" => qr/is empty; it vouches for no token/],
    ['secret env:SECRET; iss https://${UNSET}/;' => qr/herald_issuer "i" is not configured: environment variable UNSET is not set/],
    ['secret env:SECRET; aud ${UNSET};' => qr/herald_issuer "i" is not configured/],
    ["jwks file:$dir/nowhere;" => qr/cannot be read: No such file or directory; it vouches for no token/],
) {
    my ($block, $remark) = @$case;
    ($code, $output) = issuer($block);
    is $code, 0, "taken: $block";
    like $output, $remark, '  with a remark' if $remark !~ /not configured/;
}
($code, $output) = tried('', 'herald_credentials env:ENTRY; herald_auth static;');
is $code, 0, 'a credential that cannot be used is left out';
like $output, qr/\[warn\].*"env:ENTRY": entry 1 has neither a key nor a token, and is left out/, '  and told';

done_testing;

# herald token: what it mints is a token by the rules of others (openssl, Digest::SHA), and what it says of a
# token is what nginx would do.

use strict;
use warnings;
use Digest::SHA qw(hmac_sha256);
use File::Spec;
use File::Temp;
use JSON::PP;
use MIME::Base64 qw(decode_base64url encode_base64url);
use Test::More;

my $HERALD = File::Spec->rel2abs($ENV{HERALD_BUILD} || 'build') . '/herald';
my $dir = File::Temp->newdir('herald-XXXXXXXX', TMPDIR => 1);
delete $ENV{$_} for grep { /^HERALD_TEST_/ } keys %ENV;

sub path { return "$dir/$_[0]" }
sub write_file {
    my ($name, $text) = @_;
    open my $file, '>', path($name) or die "$name: $!";
    print $file $text;
    close $file or die "$name: $!";
    return path($name);
}
sub slurp { open my $file, '<', $_[0] or die "$_[0]: $!"; local $/; return scalar <$file> }

# (exit code, standard output, standard error) of a run; $in is its standard input.
sub run {
    my ($in, @command) = @_;
    write_file('in', $in);
    my $pid = fork() // die "fork(): $!";
    if ($pid == 0) {
        open STDIN, '<', path('in') or die;
        open STDOUT, '>', path('out') or die;
        open STDERR, '>', path('err') or die;
        exec { $command[0] } @command;
        die "exec $command[0]: $!";
    }
    waitpid $pid, 0;
    return ($? & 127 ? "signal $?" : $? >> 8, slurp(path('out')), slurp(path('err')));
}
sub token { return run('', $HERALD, 'token', @_) }
sub openssl {
    my ($code, $out, $err) = run('', 'openssl', @_);
    die "openssl @_: $err" if $code ne '0';
    return $out;
}

my $SECRET = 'a secret of 32 bytes, and a few more';
write_file('secret', "$SECRET\n");
openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', path('rsa.pem'));
openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', path('ec.pem'));
openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384', '-out', path('p384.pem'));
openssl('genpkey', '-algorithm', 'ED25519', '-out', path('ed.pem'));
openssl('pkey', '-in', path("$_.pem"), '-pubout', '-out', path("$_.pub")) for qw(rsa ec p384 ed);
my ($modulus) = openssl('rsa', '-in', path('rsa.pem'), '-noout', '-modulus') =~ /Modulus=(\w+)/;
my $jwks = write_file('jwks.json', sprintf '{"keys":[{"kty":"RSA","kid":"r1","e":"AQAB","n":"%s"},{"kty":"oct","kid":"s"}]}',
    encode_base64url(pack 'H*', $modulus));

# Mints, and says what is in it: (token, header, claims, signed text, signature).
sub minted {
    my ($code, $out, $err) = token(@_);
    is $code, 0, "minted: @_" or diag $err;
    like $out, qr/\A[\w-]+\.[\w-]+\.[\w-]+\n\z/, '... the token alone is on standard output';
    chomp $out;
    my ($header, $claims, $signature) = split /\./, $out;
    return ($out, decode_json(decode_base64url($header)), decode_json(decode_base64url($claims)),
        "$header.$claims", decode_base64url($signature));
}

# DER of ECDSA's two numbers.
sub der {
    my $half = length($_[0]) / 2;
    my $numbers = join '', map {
        my $number = s/\A\0+//r;
        $number = "\0$number" if ord($number) & 0x80;
        pack 'CC/a', 2, $number;
    } unpack "a$half a$half", $_[0];
    return pack 'CC/a', 0x30, $numbers;
}

# -- minting
my $before = time;
my ($hs, $header, $claims, $text, $signature) =
    minted('--key', path('secret'), '--sub', 'u1', '--role', 'viewer', '--role', 'an editor', '--aud', 'a', '--iss', 'me');
is_deeply $header, { alg => 'HS256', typ => 'JWT' }, 'a secret is for HS256';
is $signature, hmac_sha256($text, $SECRET), '... whose signature is that of Digest::SHA, without the line end of the file';
is_deeply [@$claims{qw(sub iss aud)}], ['u1', 'me', 'a'], '... with its subject, issuer and audience';
is_deeply $claims->{roles}, ['viewer', 'an editor'], '... and its roles';
cmp_ok $claims->{iat}, '>=', $before, '... made now';
cmp_ok $claims->{iat}, '<=', time, '... and not later';
is $claims->{exp} - $claims->{iat}, 3600, '... for an hour';

$ENV{HERALD_TEST_SECRET} = $SECRET;
(undef, undef, $claims, $text, $signature) = minted('--key', 'env:HERALD_TEST_SECRET', '--exp', '90', '--aud', 'a', '--aud', 'b',
    '--roles-claim', 'realm_access.roles', '--role', 'r', '--claim', 'tenant={"id":7}', '--claim', 'sub="other"', '--sub', 'u1');
is $signature, hmac_sha256($text, $SECRET), 'a secret may be in the environment';
is $claims->{exp} - $claims->{iat}, 90, 'a lifetime in seconds';
is_deeply $claims->{aud}, ['a', 'b'], 'two audiences';
is_deeply $claims->{realm_access}, { roles => ['r'] }, 'roles at a path';
is_deeply $claims->{tenant}, { id => 7 }, 'a claim in JSON';
is $claims->{sub}, 'other', 'which wins over the options';

(undef, undef, $claims) = minted('--key', path('secret'), '--exp', 'never', '--roles-claim', 'https://example.com/roles', '--role', 'r');
ok !exists $claims->{exp}, 'a token that never expires';
is_deeply $claims->{'https://example.com/roles'}, ['r'], 'a URL is the name of a claim, not a path';

for my $case (['rsa', 'RS256', [qw(-sha256)]], ['ec', 'ES256', [qw(-sha256)]], ['p384', 'ES384', [qw(-sha384)]],
    ['rsa', 'PS512', [qw(-sha512 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest)]],
    ['rsa', 'RS384', [qw(-sha384)]])
{
    my ($key, $alg, $options) = @$case;
    my @alg = $alg =~ /PS|RS384/ ? ('--alg', $alg) : ();
    (undef, $header, undef, $text, $signature) = minted('--key', path("$key.pem"), '--kid', 'k1', @alg);
    is_deeply $header, { alg => $alg, typ => 'JWT', kid => 'k1' }, "$alg: its header";
    write_file('text', $text);
    write_file('signature', $alg =~ /^ES/ ? der($signature) : $signature);
    like openssl('dgst', @$options, '-verify', path("$key.pub"), '-signature', path('signature'), path('text')),
        qr/Verified OK/, '... and OpenSSL finds the signature good';
}
(my $ed, $header, undef, $text, $signature) = minted('--key', path('ed.pem'));
is $header->{alg}, 'EdDSA', 'EdDSA: its header';
write_file('text', $text);
write_file('signature', $signature);
like openssl('pkeyutl', '-verify', '-pubin', '-inkey', path('ed.pub'), '-rawin', '-in', path('text'), '-sigfile', path('signature')),
    qr/Signature Verified/, '... and OpenSSL finds the signature good';

# -- checking
sub checks {
    my ($name, $arguments, $expected, @lines) = @_;
    my ($code, $out, $err) = token(@$arguments);
    is $code, $expected, "$name: exit code $expected" or diag "$out$err";
    like $out, $_, "... $_" for @lines;
    return $out;
}

my ($rs) = minted('--key', path('rsa.pem'), '--kid', 'r1', '--sub', 'u1', '--role', 'viewer', '--exp', '3599', '--claim', 'n=7');
my @public = ('--key', path('rsa.pub'));
checks('a good token', ['--check', $rs, @public], 0, qr/\Athe token is valid$/m, qr/^user +u1$/m, qr/^roles +viewer$/m,
    qr/^ +expires in 59 min \(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)$/m, qr/^allowed\n\z/m);
checks('by its private key', ['--check', $rs, '--key', path('rsa.pem')], 0, qr/^allowed$/m);
my ($code, $out, $err) = run("  $rs\n", $HERALD, 'token', '--check', '-', @public);
is $code, 0, 'a token on standard input, with blanks around it';
($code, $out, $err) = token('--check', $rs, '--jwks', $jwks);
is $code, 0, 'by a JWK set';
like $err, qr/\Aherald: \Q$jwks\E: key 2 \(kid "s"\) is a symmetric key.*; passed over\n\z/, '... whose other key is passed over, and said so';

checks('requirements that hold', ['--check', $rs, @public, '--require', 'role=admin role=viewer', '--require', 'user=u1',
    '--require', 'claim=n=7'], 0, qr/^require +"role=admin role=viewer": yes$/m, qr/^require +"user=u1": yes$/m,
    qr/^require +"claim=n=7": yes$/m, qr/^allowed$/m);
checks('one that does not', ['--check', $rs, @public, '--require', 'role=viewer', '--require', 'claim=n=70'], 1,
    qr/^require +"role=viewer": yes$/m, qr/^require +"claim=n=70": no$/m, qr/^not allowed$/m);
checks('an admin', ['--check', $rs, @public, '--require', 'user=u2', '--admin-role', 'viewer'], 0,
    qr/^require +"user=u2": no, but has the admin role$/m, qr/^allowed$/m);
checks('a user elsewhere', ['--check', $rs, @public, '--user-claim', 'n'], 0, qr/^user +7$/m);
checks('no user', ['--check', $rs, @public, '--user-claim', 'name', '--roles-claim', 'groups'], 0,
    qr/^user +none \(no claim name\)$/m, qr/^roles +none$/m);

# -- and why not
my ($old) = minted('--key', path('secret'), '--exp=-200', '--sub', 'u1', '--role', 'admin');
my @secret = ('--key', path('secret'));
$out = checks('an expired token', ['--check', $old, @secret], 1, qr/\Athe token has expired$/m, qr/^ +expired 3 min ago \(/m);
unlike $out, qr/admin|allowed/, '... of which nothing else is said';
checks('within the leeway', ['--check', $old, @secret, '--leeway', '1h'], 0,
    qr/expired 3 min ago \(.*\), by the leeway accepted for another 56 min$/m);
my ($early) = minted(@secret, '--claim', 'nbf=' . (time + 7300));
checks('a token that is not valid yet', ['--check', $early, @secret], 1, qr/\Athe token is not valid yet$/m, qr/it starts in 2 h 1 min/);
checks('another issuer', ['--check', $hs, @secret, '--iss', 'you'], 1, qr/of another issuer$/m, qr/its iss is me, expected is you$/m);
checks('another audience', ['--check', $hs, @secret, '--iss', 'me', '--aud', 'b', '--aud', 'c'], 1, qr/for another audience$/m,
    qr/its aud is a, expected is one of b, c$/m);
my ($other) = minted('--key', path('rsa.pem'), '--kid', 'r2');
checks('a key that is not there', ['--check', $other, '--jwks', $jwks], 1,
    qr/names a key that its issuer does not have$/m, qr/its kid is r2, there are r1$/m);
checks('the wrong kind of key', ['--check', $hs, @public], 1, qr/its alg is HS256, the key is for RS256, RS384, RS512, PS256, PS384, PS512$/m);
checks('an algorithm that is not allowed', ['--check', $rs, @public, '--alg', 'PS256'], 1, qr/its alg is RS256, the key is for PS256$/m);
checks('another key', ['--check', $ed, '--key', path('ed.pub')], 0);
openssl('genpkey', '-algorithm', 'ED25519', '-out', path('ed2.pem'));
checks('... of the same kind', ['--check', $ed, '--key', path('ed2.pem')], 1, qr/signature is wrong$/m, qr/changed, or signed with another key$/m);
checks('no algorithm', ['--check', encode_base64url('{"alg":"none"}') . '.e30.', @public], 1, qr/its alg is none$/m);
checks('what is no token', ['--check', 'hello', @public], 1, qr/\Athis is no token$/m, qr/it does not have three parts$/m);
checks('two members of a name', ['--check', encode_base64url('{"alg":"HS256","alg":"HS256"}') . '.e30.', @secret], 1,
    qr/whose members are all different$/m);

# -- without a key
my $sly = join '.', map { encode_base64url($_) } '{"alg":"HS256"}', '{"sub":"a\u001b[2J\u009bb"}', 'x';
$out = checks('a token without a key', ['--check', $sly], 1, qr/\AUNVERIFIED: /, qr/^header \{$/m, qr/"alg": "HS256"/,
    qr/^claims \{$/m, qr/^never expires$/m);
unlike $out, qr/[^\x20-\x7e\n]/, '... of which nothing steers the terminal';
checks('what is no token, without a key', ['--check', 'hello'], 1, qr/UNVERIFIED/, qr/this is no token: it does not have three parts$/m);

# -- mistakes
sub mistake {
    my ($name, $arguments, $expected, $message) = @_;
    my ($status, $stdout, $stderr) = token(@$arguments);
    is $status, $expected, "$name: exit code $expected";
    like $stderr, $message, '... which is explained';
    is $stdout, '', '... and nothing minted';
    unlike $stderr, qr/\Q$SECRET\E|BEGIN/, '... and nothing told';
}
mistake('no key', [], 2, qr/expected --key FILE or --key env:NAME/);
mistake('options of both uses', ['--check', $hs, '--exp', '1h'], 2, qr/--exp excludes --check/);
mistake('options of the other use', [@secret, '--jwks', $jwks], 2, qr/--jwks requires --check/);
mistake('a lifetime that is none', [@secret, '--exp', '1 hour'], 2, qr/expected seconds, or a number with s, m, h or d/);
mistake('a claim that is no JSON', [@secret, '--claim', 'team=blue'], 2, qr/team: blue is no JSON; a string has quotes/);
mistake('a claim without a name', [@secret, '--claim', '=1'], 2, qr/expected NAME=JSON/);
mistake('a claim with a member twice', [@secret, '--claim', 'a={"b":1,"b":2}'], 2, qr/is no JSON/);
mistake('a path through a string', [@secret, '--sub', 'u', '--roles-claim', 'sub.roles', '--role', 'r'], 2, qr/within one that is no object/);
mistake('an algorithm that there is not', [@secret, '--alg', 'none'], 2, qr/expected HS256, /);
mistake('two algorithms', [@secret, '--alg', 'HS256', '--alg', 'HS384'], 2, qr/expected one --alg/);
mistake('an algorithm of other keys', [@secret, '--alg', 'RS256'], 1, qr/a secret is for HS256, HS384 or HS512/);
mistake('an algorithm of a secret', ['--key', path('rsa.pem'), '--alg', 'HS256'], 1, qr/the key is for RS256, .* only HS256 is allowed/);
mistake('a requirement of no kind', ['--check', $hs, @secret, '--require', 'admin'], 2, qr/expected role=ROLE, claim=PATH=VALUE or user=USER/);
mistake('a claim without a value', ['--check', $hs, @secret, '--require', 'claim=a'], 2, qr/expected role=ROLE, claim=PATH=VALUE/);
mistake('a file that is not there', ['--key', path('nothing')], 1, qr/nothing: No such file or directory/);
mistake('a variable that is not set', ['--key', 'env:HERALD_TEST_NOTHING'], 1, qr/the environment has no HERALD_TEST_NOTHING/);
mistake('a public key', ['--key', path('rsa.pub')], 1, qr/has a public key: only a private key can sign/);
mistake('a short secret', ['--key', write_file('short', 'short')], 1, qr/has 5 bytes; it needs at least 32/);
mistake('an empty secret', ['--key', write_file('empty', "\n")], 1, qr/empty is empty/);
mistake('a JWK set as a secret', ['--key', $jwks], 1, qr/a PEM file or a JWK/);
openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024', '-out', path('weak.pem'));
mistake('a weak key', ['--key', path('weak.pem')], 1, qr/of 1024 bits; it must have 2048/);
openssl('pkey', '-in', path('ec.pem'), '-aes256', '-passout', 'pass:x', '-out', path('locked.pem'));
mistake('a key with a password', ['--key', path('locked.pem')], 1, qr/without a password/);
mistake('a file that is no JWK set', ['--check', $hs, '--jwks', path('secret')], 1, qr/this is no JWK set/);
mistake('a token that nobody would take', [@secret, '--claim', 'a="' . 'x' x 8000 . '"'], 1, qr/nobody would accept more than 8192/);

done_testing;

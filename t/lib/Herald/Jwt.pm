package Herald::Jwt;

# Tokens for the tests, good ones and broken ones, made with Perl and the openssl command alone: not with the
# code that they test.
#
#     my $keys = Herald::Jwt::Keys->new($dir);         rsa, rsa2, weak (1024 bits), ec, ec384, ed: made when asked for
#     jwt({ sub => 'u' }, secret => $secret)           HS256
#     jwt({ sub => 'u' }, key => $keys->pem('rsa'), alg => 'RS256', kid => 'k1')
#     $keys->jwk('rsa', kid => 'k1'), jwks(@jwk)
#
# Options of jwt: alg, kid, header (hash: more members), header_text, claims_text (in place of the JSON that
# would be made), signature (in place of the right one; a code reference gets the right one).

use strict;
use warnings;

use Digest::SHA ();
use Exporter qw(import);
use JSON::PP;
use MIME::Base64 ();

our @EXPORT = qw(jwt jwks base64url json_text);

my $JSON = JSON::PP->new->canonical->utf8->allow_nonref;

sub json_text { return $JSON->encode($_[0]) }

sub base64url {
    my $text = MIME::Base64::encode_base64($_[0], '');
    $text =~ tr{+/}{-_};
    $text =~ s/=+\z//;
    return $text;
}

sub jwks { return json_text({ keys => [@_] }) }

sub jwt {
    my ($claims, %o) = @_;
    my $alg = $o{alg} // 'HS256';
    my %header = (alg => $alg, typ => 'JWT', defined $o{kid} ? (kid => $o{kid}) : (), %{ $o{header} || {} });
    my $signed = base64url($o{header_text} // json_text(\%header)) . '.'
        . base64url($o{claims_text} // json_text($claims));
    my $signature = defined $o{signature} && !ref $o{signature} ? $o{signature} : signature($alg, $signed, %o);
    $signature = $o{signature}->($signature) if ref $o{signature};
    return "$signed." . base64url($signature);
}

sub signature {
    my ($alg, $signed, %o) = @_;
    my ($kind, $bits) = $alg =~ /\A([A-Z]+[a-z]*[A-Z]*)(\d*)\z/;
    return '' if $alg eq 'none';
    if ($kind eq 'HS') {
        my $hmac = Digest::SHA->can("hmac_sha$bits");
        return $hmac->($signed, $o{secret});
    }
    return _openssl($signed, qw(pkeyutl -sign -rawin -in /dev/stdin -inkey), $o{key}) if $alg eq 'EdDSA';
    my @options = $kind eq 'PS' ? (qw(-sigopt rsa_padding_mode:pss -sigopt), 'rsa_pss_saltlen:digest') : ();
    my $signature = _openssl($signed, 'dgst', "-sha$bits", @options, '-sign', $o{key});
    return $kind eq 'ES' ? _raw_ecdsa($signature, $bits / 8) : $signature;
}

# r and s of RFC 7518, section 3.4, out of the DER that openssl writes.
sub _raw_ecdsa {
    my ($der, $size) = @_;
    my $at = ord(substr $der, 1, 1) & 0x80 ? 3 : 2;
    my $raw = '';
    for (1 .. 2) {
        my $length = ord substr $der, $at + 1, 1;
        my $number = substr $der, $at + 2, $length;
        $number =~ s/\A\0+//;
        $raw .= ("\0" x ($size - length $number)) . $number;
        $at += 2 + $length;
    }
    return $raw;
}

# What openssl prints for these bytes on its standard input.
sub _openssl {
    my ($input, @arguments) = @_;
    my $file = File::Temp->new;
    binmode $file;
    print $file $input;
    close $file;
    @arguments = map { $_ eq '/dev/stdin' ? "$file" : $_ } @arguments;
    push @arguments, "$file" if $arguments[0] eq 'dgst';
    open my $pipe, '-|', 'openssl', @arguments or die "openssl: $!";
    binmode $pipe;
    local $/;
    my $output = <$pipe>;
    close $pipe or die "openssl @arguments failed";
    return $output;
}

package Herald::Jwt::Keys;

use File::Temp ();

my %MAKE = (
    rsa => [qw(RSA -pkeyopt rsa_keygen_bits:2048)],
    rsa2 => [qw(RSA -pkeyopt rsa_keygen_bits:2048)],
    weak => [qw(RSA -pkeyopt rsa_keygen_bits:1024)],
    ec => [qw(EC -pkeyopt ec_paramgen_curve:P-256)],
    ec384 => [qw(EC -pkeyopt ec_paramgen_curve:P-384)],
    ed => ['ED25519'],
);

sub new { return bless { dir => $_[1] }, $_[0] }

# The path of a private key.
sub pem {
    my ($self, $name) = @_;
    my $path = "$self->{dir}/$name.pem";
    if (!-e $path) {
        system("openssl genpkey -algorithm @{ $MAKE{$name} } -out $path 2>/dev/null") == 0
            or die "openssl genpkey $name failed";
    }
    return $path;
}

sub public_pem { return Herald::Jwt::_openssl('', 'pkey', '-pubout', '-in', $_[0]->pem($_[1])) }

# Its public key as a JWK (a hash), with these members on top of its own.
sub jwk {
    my ($self, $name, %members) = @_;
    my $der = Herald::Jwt::_openssl('', qw(pkey -pubout -outform DER -in), $self->pem($name));
    my $of = sub { Herald::Jwt::base64url($_[0]) };
    my %key =
        $name eq 'ed' ? (kty => 'OKP', crv => 'Ed25519', x => $of->(substr $der, -32))
        : $name eq 'ec384' ? (kty => 'EC', crv => 'P-384', x => $of->(substr $der, -96, 48), y => $of->(substr $der, -48))
        : $name eq 'ec' ? (kty => 'EC', crv => 'P-256', x => $of->(substr $der, -64, 32), y => $of->(substr $der, -32))
        : do {
            my $modulus = Herald::Jwt::_openssl('', qw(rsa -modulus -noout -in), $self->pem($name));
            (kty => 'RSA', e => 'AQAB', n => $of->(pack 'H*', $modulus =~ /=([0-9A-F]+)/));
        };
    return { %key, %members };
}

1;

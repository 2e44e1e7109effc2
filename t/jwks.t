# Key sets by URL: fetched by the sidecar over https, brought to the workers, looked for again when a token names a new key; whatever
# the endpoint does, keys that were good stay good.

use strict;
use warnings;
use Test::More;
use Herald;
use Herald::Jwt;
use IO::Socket::SSL;

my $dir = File::Temp->newdir;
my $keys = Herald::Jwt::Keys->new("$dir");

# An endpoint that answers each path with what the file of that name says: "status\ncontent type\nlocation\nbody". Without
# the file it closes the connection; with an empty one it says nothing. Counts requests, a byte each, in NAME.count.
system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost "
    . "-keyout $dir/tls.key -out $dir/tls.pem >/dev/null 2>&1") == 0 or die 'openssl';
my $listener = IO::Socket::SSL->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 20, Proto => 'tcp',
    SSL_server => 1, SSL_cert_file => "$dir/tls.pem", SSL_key_file => "$dir/tls.key", SSL_startHandshake => 0) or die $!;
my $port = $listener->sockport;
my $endpoint = bless { dir => "$dir" }, 'Endpoint';
$endpoint->listen_on($listener);

package Endpoint {
    use parent 'Herald::FakeServer';

    sub _serve {
        my ($self, $client) = @_;
        local $SIG{PIPE} = 'IGNORE';
        IO::Socket::SSL->start_SSL($client, SSL_server => 1, SSL_cert_file => "$dir/tls.pem", SSL_key_file => "$dir/tls.key") or return;
        my $request = '';
        while ($request !~ /\r\n\r\n/) { sysread $client, $request, 4096, length $request or return }
        my ($name) = $request =~ m{\AGET /(\w+)};
        $self->append_file("$name.count", '.');
        return if !-e "$dir/$name";
        my $text = $self->read_file($name);
        1 while $text eq '' && sysread $client, $request, 4096;
        return if $text eq '';
        my ($status, $type, $location, $body) = split /\n/, $text, 4;
        $self->send_all($client, "HTTP/1.1 $status X\r\nContent-Type: $type\r\nConnection: close\r\n"
            . ($location ? "Location: $location\r\n" : '') . 'Content-Length: ' . length($body) . "\r\n\r\n$body");
        close $client;
    }
}

sub answer {
    my ($name, $status, $body, $location) = @_;
    $endpoint->write_file($name, join "\n", $status, 'application/json', $location // '', $body);
}
sub nothing { $endpoint->write_file($_[0], '') }
sub requests { return length $endpoint->read_file("$_[0].count") }

my $set = jwks($keys->jwk('rsa', kid => 'rsa'), $keys->jwk('ec', kid => 'ec'));
answer('good', 200, $set);
answer('redirected', 302, '', "https://localhost:$port/good");
answer('downgraded', 302, '', "http://localhost:$port/good");
answer('looping', 302, '', "https://localhost:$port/looping");
answer('html', 200, '<html><body>Sign in</body></html>');
answer('huge', 200, '{"keys":[],"x":"' . 'x' x 70_000 . '"}');
answer('many', 200, jwks(map { $keys->jwk('ec', kid => "k$_") } 1 .. 33));
answer('failing', 500, $set);
answer('secret', 200, json_text({ keys => [{ kty => 'oct', kid => 'rsa', k => base64url('x' x 32) }] }));
nothing('slow');    # 'closing' is not there at all
answer('mixed', 200, jwks($keys->jwk('rsa', kid => 'rsa'), $keys->jwk('ec', kid => 'enc', use => 'enc')));
my @broken = qw(downgraded looping html huge many failing slow closing secret);

my $conf = <<'CONF';
worker_processes 2;
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    ISSUERS
    server {
        listen 127.0.0.1:%%PORT%%;
        LOCATIONS
        location = /health { herald_health; }
    }
}
CONF
my @all = ('good', 'redirected', @broken);
$conf =~ s{ISSUERS}{join "\n    ", 'herald_issuer mixed { jwks url:https://user:hush1@localhost:' . $port . '/mixed?apikey=hush2; }',
    map { "herald_issuer $_ { jwks url:https://localhost:$port/$_; }" } @all}e;
$conf =~ s{LOCATIONS}{join "\n        ", map { "location = /$_ { herald_auth $_; try_files /none =204; }" } 'mixed', @all}e;
my $h = Herald->new(conf => $conf, toml => <<'TOML', env => { CURL_CA_BUNDLE => "$dir/tls.pem" });
%%SIDECAR%%
[ring]
size = "1M"
max_message = "64K"
[[feed]]
name = "jobs"
channels = "jobs:{id}"
TOML

my $rsa = jwt({ exp => time + 600 }, key => $keys->pem('rsa'), alg => 'RS256', kid => 'rsa');
my $ec = jwt({ exp => time + 600 }, key => $keys->pem('ec'), alg => 'ES256', kid => 'ec');
my $new = jwt({ exp => time + 600 }, key => $keys->pem('rsa2'), alg => 'RS256', kid => 'rsa2');
sub status { return $h->http(GET => "/$_[0]", Authorization => "Bearer $_[1]")->{status} }
sub steady {    # both workers say so
    my ($name, $token, $status) = @_;
    my $times = 0;
    return wait_for(sub { $times = status($name, $token) == $status ? $times + 1 : 0; $times >= 20 }, "$name: $status");
}

steady('good', $rsa, 204);
pass 'keys come from the endpoint';
is status('good', $ec), 204, 'each of them';
is status('good', $new), 401, 'and no others';
steady('redirected', $rsa, 204);
pass 'a redirect is followed';
for my $name (@broken) {
    wait_for(sub { requests($name) > 0 }, "a request for $name");
    isnt status($name, $rsa), 204, "$name: no keys, nobody gets in";
    is status($name, $rsa), 503, '  and it is told so';
}

# -- a new key
answer('good', 200, jwks($keys->jwk('rsa', kid => 'rsa'), $keys->jwk('rsa2', kid => 'rsa2')));
my $asked = requests('good');
wait_for(sub { status('good', $new) == 204 }, 'the key that a token names', 60);
steady('good', $new, 204);
pass 'a token that names an unknown key has the keys fetched again';
cmp_ok requests('good') - $asked, '<=', 2, 'once';
is status('good', $rsa), 204, 'the old key is still there';
steady('good', $ec, 401);
pass 'the one that was taken out is not';
$asked = requests('good');
status('good', jwt({}, key => $keys->pem('rsa2'), alg => 'RS256', kid => "unknown-$_")) for 1 .. 50;
cmp_ok requests('good') - $asked, '<=', 1, 'strangers cannot have them fetched again and again';

# -- the endpoint breaks, everything restarts
unlink "$dir/good";
$h->restart_sidecar;
is status('good', $new), 204, 'keys outlive the endpoint';
$h->reload;
steady('good', $new, 204);
pass 'and a reload meanwhile';
answer('good', 200, '<html>');
$h->stop_nginx;
$h->restart_sidecar;
$h->start_nginx;
is status('good', $new), 204, 'and a start of everything';
answer('good', 200, $set);
$h->restart_sidecar;
wait_for(sub { status('good', $ec) == 204 }, 'an endpoint that is back', 60);
pass 'an endpoint that is back is heard';

steady('mixed', $rsa, 204);
like $h->read_file('error.log'), qr{"mixed", url:https://localhost:$port/mixed: key}, 'a key that cannot be used is told';
unlike $h->read_file('error.log') . $h->sidecar_log, qr/hush/, '  without the secrets of its URL';
unlike $h->sidecar_log, qr/eyJ/, 'no token is logged';
$h->finish;
done_testing;

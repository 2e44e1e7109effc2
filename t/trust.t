# Keys and revocations reach the workers: a client of the control socket stands in for one. What was told survives a
# kill of the sidecar.

use strict;
use warnings;
use IO::Socket::UNIX;
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
events { worker_connections 64; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /s { herald_subscribe x:1; }
        location = /status { herald_status; }
    }
}
CONF
%%SIDECAR%%
[[feed]]
name = "x"
channels = "x:{id}"
TOML

package Worker {
    # Says Hello, and takes Attach; of its descriptors nothing is kept.
    sub new {
        my $socket = IO::Socket::UNIX->new(Peer => $h->socket_path) or die "connect: $!";
        my $self = bless { stream => Herald::Stream->new($socket, 'worker') }, shift;
        $self->write(1, pack 'VV', $$, 0);
        my ($type) = $self->frame;
        die "no Attach, but $type" if $type != 2;
        return $self;
    }
    sub write { my ($self, $type, $payload) = @_; $self->{stream}->write(pack('VvvVV', 0x434c5248, 4, $type, length $payload, 0) . $payload) }
    sub watch { my ($self, @sources) = @_; $self->write(6, pack('V', scalar @sources) . join '', map { pack 'v/a*', $_ } @sources) }
    sub frame {
        my $self = shift;
        my ($magic, $version, $type, $length) = unpack 'VvvV', $self->{stream}->read_exactly(16);
        return ($type, $length ? $self->{stream}->read_exactly($length) : '');
    }
    # The next news as text: "keys SOURCE JSON" or "set|more KIND:VALUE@BEFORE ... [.]".
    sub news {
        my $self = shift;
        my ($bytes, $last) = ('', 0);
        while (!$last) {
            my ($type, $payload) = $self->frame;
            die "a frame of type $type" if $type != 8;
            $last = unpack 'x8 V', $payload;
            $bytes .= substr $payload, 16;
        }
        my $kind = unpack 'V', $bytes;
        return join ' ', 'keys', unpack 'x4 V/a* a*', $bytes if $kind == 1;
        my ($count, $first, $whole) = unpack 'x4 V C C', $bytes;
        my $text = $first ? 'set' : 'more';
        my $at = 12;
        for (1 .. $count) {
            my ($before, $value, $iss, $of) = unpack "x$at q v v C", $bytes;
            $text .= sprintf ' %s:%s@%d', ($of == 1 ? 'sub' : 'jti'), substr($bytes, $at + 16, $value), $before;
            $at += 16 + $value + $iss;
        }
        return $text . ($whole ? ' .' : '');
    }
}

wait_for(sub { $h->http(GET => '/status')->{body} =~ /"attached":1/ }, 'an attached worker');
my $worker = Worker->new;
is $worker->news, 'set .', 'no revocations';
is $h->redis_publish('herald:revoke', '{"sub":"ann","before":1000}'), 1, 'the sidecar listens';
is $worker->news, 'more sub:ann@1000', 'a revocation is told';
$h->redis_publish('herald:revoke', '{"jti":"t1","before":"2026-11-21T10:00:00Z","iss":"https://id"}');
is $worker->news, 'more jti:t1@1795255200', 'another one';

my $from = $h->log_size('sidecar');
$h->redis_publish('herald:revoke', '{"sub":"hush"');
ok $h->wait_log('sidecar', qr/ERROR revocation refused channel=herald:revoke reason="not a JSON object/, from => $from),
    'what is none is told in the log';
unlike $h->sidecar_log, qr/hush/, 'without its content';
like $h->http(GET => '/status')->{body}, qr/"not_json":1\b/, 'and counted';

$h->kill_sidecar;
$h->start_sidecar;
$worker = Worker->new;
like $worker->news, qr/^set (?=.*sub:ann\@1000)(?=.*jti:t1\@1795255200).* \.$/, 'kill -9 loses none';

my $keys = sub { '{"keys":[{"kid":"' . shift . '","kty":"RSA"}]}' };
my $source = 'file:' . $h->path('jwks.json');
$h->write_file('jwks.json', $keys->('one'));
$worker->watch($source);
is $worker->news, "keys $source " . $keys->('one'), 'the keys of a file';
$h->write_file('jwks.json', '{"keys":');
ok $h->wait_log('sidecar', qr/key set not to be had.*is not JSON/), 'a file that is none is told';
$h->write_file('jwks.json.new', $keys->('two'));
rename $h->path('jwks.json.new'), $h->path('jwks.json') or die "rename: $!";
is $worker->news, "keys $source " . $keys->('two'), 'and its next content, where it is one';

$worker->watch('url:http://127.0.0.1:1/jwks');
ok $h->wait_log('sidecar', qr/key set refused .*only https/), 'plain http is refused';

wait_for(sub { $h->http(GET => '/status')->{body} =~ /"attached":1/ }, 'the worker of nginx');
unlike $h->error_log, qr/senseless frame|garbage/, 'the real worker understands all that';
$h->finish;
done_testing;

# The sidecar's control socket, and its command line: strangers, garbage, wrong versions, second sidecars, bad files.

use strict;
use warnings;
use Test::More;
use IO::Socket::UNIX;
use Herald;

my $TOML = <<'TOML';
%%SIDECAR%%
[[feed]]
name = "x"
channels = "x:{id}"
TOML
my $h = Herald->new(conf => <<'CONF', toml => $TOML);
events { worker_connections 64; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /s { herald_subscribe x:1; herald_keepalive 200ms; }
        location = /health { herald_health; }
    }
}
CONF

sub dial {
    my $socket = IO::Socket::UNIX->new(Peer => shift // $h->socket_path) or die "connect: $!";
    return Herald::Stream->new($socket, 'control');
}
sub frame { my ($magic, $version, $type, $payload, $length) = @_; pack('VvvVV', $magic, $version, $type, $length // length $payload, 0) . $payload }
use constant MAGIC => 0x434c5248;

# Sends bytes; returns the reason with which the sidecar refuses, once it has closed.
sub refused {
    my $peer = dial();
    $peer->write($_[0]);
    $peer->half_close if $_[1];
    my $answer = $peer->read_all;
    return $answer if length $answer < 16;
    my ($magic, $version, $type, $length) = unpack 'VvvV', $answer;
    is $type, 3, '  a frame of refusal';
    return substr $answer, 16;
}

my $sse = $h->sse('/s');
$sse->next_comment;

like refused("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), qr/not Herald's control protocol/, 'garbage is refused';
like refused(frame(MAGIC, 9, 1, pack 'VV', 1, 0)), qr/version.*9.*4|9.*version.*4/, 'another version: both are named';
like refused(frame(MAGIC, 4, 1, '', 1 << 30)), qr/at most 65536/, 'a length beyond all bounds';
like refused(frame(MAGIC, 4, 2, 'x' x 8)), qr/./, 'a frame that is not a worker\'s';
like refused(frame(MAGIC, 4, 1, 'x')), qr/./, 'a hello of the wrong size';
ok $h->wait_log('sidecar', qr/refused/), 'refusals are logged';
my $cut = $h->log_size('sidecar');
refused(substr(frame(MAGIC, 4, 1, pack 'VV', 1, 0), 0, 10), 1);
ok $h->wait_log('sidecar', qr/WARN .*(refused|cut|short)/, from => $cut), 'a frame cut short is logged, too';

SKIP: {
    skip 'only root can be another user', 1 if $> != 0;
    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
    my $from = $h->log_size('sidecar');
    my $pid = fork // die;
    if (!$pid) {
        ($(, $)) = ($gid, "$gid $gid");
        ($<, $>) = ($uid, $uid);
        my $peer = eval { dial() };
        if ($peer) {
            $peer->write(frame(MAGIC, 4, 1, pack 'VV', $$, 0));
            $peer->read_all;
        }
        require POSIX;
        POSIX::_exit(0);
    }
    waitpid $pid, 0;
    ok $h->wait_log('sidecar', qr/refused.*uid=$uid/, from => $from), 'another user is refused and logged';
}
$h->redis_publish('x:1', '{"n":1}');
is $sse->next_event->{data}, '{"n":1}', 'none of that disturbs a worker';

# -- a second sidecar
my $herald = ($ENV{HERALD_BUILD} || 'build') . '/herald';
sub run { my $output = `$_[0] 2>&1`; return ($? >> 8, $output) }
my ($code, $output) = run("$herald sidecar -c " . $h->path('herald.toml'));
is $code, 1, 'a second sidecar on the same state directory ends';
like $output, qr/state directory .* is in use by another sidecar \(pid \d+\)/, 'and says why';
$h->write_file('other.toml', $h->expand($TOML) =~ s{/state"}{/other"}r);
($code, $output) = run("$herald sidecar -c " . $h->path('other.toml'));
is $code, 1, 'on the same socket, too';

# -- check
($code, $output) = run("$herald check " . $h->path('herald.toml'));
is $code, 0, 'check accepts a good file';
like $output, qr/herald.toml: ok/, 'and says so';
$h->write_file('bad.toml', <<'TOML');
[sidecar]
sokcet = "/tmp/x"
[redis]
url = "rediss://h"
[ring]
size = "a lot"
[[feed]]
name = "a"
channels = "x:{id}"
[[feed]]
name = "b"
channels = "x:{a}:y"
TOML
($code, $output) = run("$herald check " . $h->path('bad.toml'));
is $code, 1, 'check refuses a bad one';
like $output, qr/bad.toml:2: .*sokcet.*socket/, 'unknown key: line, and what may be meant';
like $output, qr/bad.toml:4: .*TLS/, 'a URL that cannot be';
like $output, qr/bad.toml:6: .*size/, 'a size that is none';
like $output, qr/bad.toml:12: .*"a"/, 'two feeds that claim one channel';
($code, $output) = run("$herald sidecar -c " . $h->path('bad.toml'));
is $code, 1, 'and the sidecar does not start with it';

# -- a worker refuses a ring that it cannot read
$h->stop_sidecar;
unlink $h->socket_path;
my $fake = IO::Socket::UNIX->new(Local => $h->socket_path, Listen => 5) or die "listen: $!";
chmod 0777, $h->socket_path;
sub answer_worker {
    my $from = $h->log_size('nginx');
    my $peer = Herald::Stream->new(scalar $fake->accept, 'worker');
    $peer->read_exactly(24);
    $peer->write(shift);
    $peer->read_all;
    return $from;
}
answer_worker("garbage garbage garbage");
ok $h->wait_log('nginx', qr/garbage on the control socket/), 'garbage from the sidecar is logged';
answer_worker(frame(MAGIC, 7, 2, 'x' x 8));
ok $h->wait_log('nginx', qr/the sidecar speaks control version 7, this module 4/), 'so is another version';
answer_worker(frame(MAGIC, 4, 2, pack 'Q', 4096));
ok $h->wait_log('nginx', qr/malformed attach frame/), 'an attach without descriptors';
answer_worker(frame(MAGIC, 4, 3, 'not today'));
ok $h->wait_log('nginx', qr/the sidecar refuses: "not today"/), 'and a refusal';
is $sse->next_comment, 'keepalive', 'the stream lives on';
close $fake;
unlink $h->socket_path;
$h->start_sidecar;
wait_for(sub { $h->http(GET => '/health')->{status} == 200 }, 'health');
$h->redis_publish('x:1', '{"n":2}');
my $event;
do { $event = $sse->next_event } while ($event->{event} // '') eq 'gap';
is $event->{data}, '{"n":2}', 'until the right one is back';

$h->finish;
done_testing;

# herald_io_uring: the same bytes to the same clients as without it, whatever they do meanwhile; and where the kernel
# refuses, the streams go on without it.

use strict;
use warnings;
use POSIX qw(uname);
use Test::More;
use Herald;

my $conf = <<'CONF';
events { worker_connections 1024; }
http {
    %%TEMP_PATHS%%
    log_format herald '$uri $herald_transport $bytes_sent $herald_events_sent $herald_close_reason';
    access_log %%DIR%%/herald.log herald;
    herald_sidecar unix:%%SOCKET%%;
    herald_io_uring on;
    herald_keepalive off;
    herald_drain 1s;
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=16k;
        location = /s { herald_subscribe x:1; }
        location = /big { herald_subscribe x:1; herald_buffer 16m; }
        location = /cut { herald_subscribe x:1; herald_buffer 32k disconnect; }
        location = /counted { herald_subscribe x:1; }
        location ~ ^/of/(?<id>\d+)$ { herald_subscribe y:$id; }
    }
}
CONF
my $toml = <<'TOML';
%%SIDECAR%%
[[feed]]
name = "x"
channels = "x:{id}"
[[feed]]
name = "y"
channels = "y:{id}"
TOML

my $h = Herald->new(conf => $conf, toml => $toml);
plan skip_all => 'no io_uring here: ' . $1
    if $h->error_log =~ /fan-out goes on without io_uring: (.*)/ && $h->finish;
$h->wait_log('nginx', qr/\[notice\].*herald: fan-out goes through io_uring/);
pass 'the log says that it is used';

# -- The same bytes for all, more of them than one batch holds

my @sse = map { $h->sse('/s') } 1 .. 300;
my @ws = map { $h->ws('/s', protocol => 'herald.v1') } 1 .. 30;
my $early = $h->sse('/s');
$_->next_block for @sse, $early;
my $n = 0;
sub publish { $h->redis_publish('x:1', sprintf '{"n":%d,"fill":"%s"}', ++$n, 'f' x ($_[0] // 20)) }

sub numbers {
    my ($count, @streams) = @_;
    my %seen;
    for my $stream (@streams) {
        my @raw = map {
            $stream->isa('Herald::WS') ? $stream->next_text : $stream->next_event->{raw}
        } 1 .. $count;
        ++$seen{ join '', @raw };
    }
    return \%seen;
}

publish();
publish(3000);
publish();
my $texts = numbers(3, @sse, $early);
is_deeply [values %$texts], [301], 'every SSE client gets the same bytes';
my ($text) = keys %$texts;
is_deeply [$text =~ /"n":(\d+),"fill":"f{20,}"\}\n\n/g], [1, 2, 3], 'each event once, in order, whole';
$texts = numbers(3, @ws);
is_deeply [values %$texts], [30], 'so does every WebSocket client';
($text) = keys %$texts;
is_deeply [$text =~ /"data":\{"n":(\d+),/g], [1, 2, 3], 'each event once, in order';

# -- Clients that go, and come, in between

splice(@sse, $_, 1)->close for reverse map { $_ * 4 } 0 .. 49;
splice(@sse, $_, 1)->stream->abort for reverse map { $_ * 4 } 0 .. 29;
publish() for 1 .. 5;
splice(@ws, 0, 5);
publish() for 1 .. 5;
numbers(10, $early);    # the worker has them
push @sse, my $late = $h->sse('/s');
$late->next_block;
publish();
my %last = %{ numbers(1, $late) };
like +(keys %last)[0], qr/"n":14,/, 'whoever comes later gets what comes later';
pop @sse;
is_deeply [values %{ numbers(11, @sse) }], [scalar @sse], 'those who stay miss nothing while others go';
is_deeply [values %{ numbers(11, @ws) }], [scalar @ws], 'over WebSocket neither';
splice @sse, 20;
push @sse, $late;

# -- Slow clients

my $slow = $h->sse('/big', rcvbuf => 4096);
my $cut = $h->sse('/cut', rcvbuf => 4096);
my $slow_ws = $h->ws('/big', rcvbuf => 4096, protocol => 'herald.v1');
$_->next_block for $slow, $cut;
my $from = $n + 1;
for (1 .. 200) {
    publish(4000);
    numbers(1, @sse, @ws);
}
my @got = map { $slow->next_event->{data} =~ /"n":(\d+),"fill":"f{4000}"\}$/ } 1 .. 200;
is_deeply \@got, [$from .. $n], 'a client that reads late gets everything, once, in order';
@got = map { $slow_ws->next_text =~ /"n":(\d+),"fill":"f{4000}"\}/ } 1 .. 200;
is_deeply \@got, [$from .. $n], 'over WebSocket, too';
is $cut->ended, 'cut', 'and whoever may not is disconnected';

# -- What the log counts

my $counted = $h->sse('/counted');
$counted->next_block;
publish(500) for 1 .. 20;
numbers(20, @sse, @ws);
$counted->events(20);
my $received = $counted->stream->received;
$counted->close;
my $line = wait_for(sub { $h->read_file('herald.log') =~ m{^(/counted .*)$}m && $1 }, 'the log');
is $line, "/counted sse $received 20 client", 'bytes and events in the log are those that the client got';

# -- Many channels in one turn

my @of = map { my $id = $_; map { $h->sse("/of/$id") } 1 .. 3 } 1 .. 40;
$_->next_block for @of;
$h->redis_publish("y:$_", qq({"of":$_})) for 1 .. 40;
my $wrong = 0;
for my $at (0 .. $#of) {
    ++$wrong if $of[$at]->next_event->{data} ne sprintf '{"of":%d}', int($at / 3) + 1;
}
is $wrong, 0, 'every client gets the events of its channel';
$_->close for @of;

# -- Reload, and a worker that is killed

$_->close for $slow, $slow_ws;
my @old = $h->reload;
is scalar(grep { $_->ended ne 'clean' } @sse), 0, 'a reload ends the streams in order';
$_->close for @ws;
undef $early;
$h->wait_worker_exit(@old);
is scalar(() = $h->error_log =~ /fan-out goes through io_uring/g), 2, 'the new worker has its own ring';
my $again = $h->sse('/s');
$again->next_block;
publish();
my $event = $again->next_event;
like $event->{data}, qr/"n":$n,/, 'and serves';
my $worker = $h->kill_worker('KILL');
is $again->ended, 'cut', 'its clients see a killed worker';
my $resumed = $h->sse('/s', headers => { 'Last-Event-ID' => $event->{id} });
$resumed->next_block;
publish();
like $resumed->next_event->{data}, qr/"n":$n,/, 'and go on with the next one';
$h->finish;

# -- A kernel that refuses

# From here on io_uring_setup fails in this process and all that it starts, as it does in containers.
sub forbid_io_uring {
    my ($prctl, $arch) = (uname)[4] eq 'aarch64' ? (167, 'aarch64') : (157, 'x86_64');
    my $filter = join '', map { pack 'S C C L', @$_ } (
        [0x20, 0, 0, 0],                   # load the number of the system call
        [0x15, 0, 1, 425],                 # io_uring_setup?
        [0x06, 0, 0, 0x0005_0000 | 1],     # EPERM
        [0x06, 0, 0, 0x7fff_0000],         # allowed
    );
    my $program = pack 'S x![Q] P', 4, $filter;
    return (uname)[4] eq $arch
        && syscall($prctl, 38, 1, 0, 0, 0) == 0           # PR_SET_NO_NEW_PRIVS
        && syscall($prctl, 22, 2, $program, 0, 0) == 0;    # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
}

SKIP: {
    skip 'no seccomp here', 3 unless forbid_io_uring();
    my $without = Herald->new(conf => $conf, toml => $toml);
    my $log = $without->wait_log('nginx', qr/\[warn\].*herald: fan-out goes on without io_uring.*\n/);
    like $log, qr/without io_uring: io_uring_setup\(\) failed: Operation not permitted; it is forbidden here/,
        'a refusal is said once, with its reason';
    my @clients = (map({ $without->sse('/s') } 1 .. 5), map { $without->ws('/s') } 1 .. 5);
    $_->next_block for @clients[0 .. 4];
    $without->redis_publish('x:1', '{"n":1}');
    is_deeply [map { $_->isa('Herald::WS') ? $_->next_text : $_->next_event->{data} } @clients],
        [('{"n":1}') x 10], 'and the streams are served';
    $without->finish;
}

done_testing;

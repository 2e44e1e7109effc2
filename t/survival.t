# Reloads, killed workers, a killed sidecar, a killed Redis: who stays connected, who comes back, and that nothing is
# lost or repeated without a word.

use strict;
use warnings;
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML', allow => qr/exited on signal 9|ended with signal 9/);
worker_processes 2;
events { worker_connections 512; }
http {
    %%TEMP_PATHS%%
    log_format herald '$uri $herald_transport $herald_close_reason';
    access_log %%DIR%%/herald.log herald;
    herald_sidecar unix:%%SOCKET%%;
    herald_drain 500ms;
    herald_error_event error '{"type":"error","message":"Redis connection error"}';
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /s { herald_subscribe x:1; herald_keepalive 300ms; herald_retry 100ms; }
        location = /abort { herald_subscribe x:1; herald_drain 100ms abort; }
        location = /strict { herald_subscribe x:1; herald_require_redis on; }
        location = /health { herald_health; }
    }
}
CONF
%%SIDECAR%%
[[feed]]
name = "x"
channels = "x:{id}"
TOML

sub healthy { $h->http(GET => '/health') }
sub publish { $h->redis_publish('x:1', $_[0]) }

# A client as a browser is one: it comes back behind the last id it has, and keeps every number.
package Client {
    sub new { my ($class) = @_; return bless({ n => [], gaps => 0, connects => 0 }, $class)->connect }
    sub connect {
        my $self = shift;
        $self->{sse} = $h->sse('/s', headers => { defined $self->{id} ? ('Last-Event-ID' => $self->{id}) : () });
        ++$self->{connects};
        $self->{sse}->next_block;    # the retry line: the stream is there
        return $self;
    }
    sub read_to {
        my ($self, $last) = @_;
        until (@{ $self->{n} } && $self->{n}[-1] >= $last) {
            my $event = eval { $self->{sse}->next_event };
            die $@ if $@ && $@ =~ /within/;
            $self->connect, next if !$event;
            $self->{id} = $event->{id} // $self->{id};
            ++$self->{gaps}, next if ($event->{event} // '') eq 'gap';
            push @{ $self->{n} }, $event->{data} =~ /"n":(\d+)/ if $event->{data} =~ /"n":/;
        }
    }
}

package main;

ok wait_for(sub { healthy()->{status} == 200 }, 'health'), 'healthy';
is healthy()->{body}, '{"status":"healthy","redis":"connected"}', 'and says so';

# -- reload under load
my @clients = map { Client->new } 1 .. 20;
my $aborted = $h->sse('/abort');
my $ws = $h->ws('/s');
my $n = 0;
publish(sprintf '{"n":%d}', ++$n) for 1 .. 50;
$_->read_to(20) for @clients;
my @old = $h->worker_pids;
$h->reload;
for (1 .. 100) { publish(sprintf '{"n":%d}', ++$n) }
$_->read_to($n) for @clients;
$h->wait_worker_exit(@old);
publish(sprintf '{"n":%d}', ++$n);
$_->read_to($n) for @clients;
is_deeply $_->{n}, [1 .. $n], 'reload: nothing lost, nothing twice' for $clients[0];
is scalar(grep { "@{$_->{n}}" ne "@{[1 .. $n]}" } @clients), 0, 'for all of them';
is scalar(grep { $_->{connects} != 2 } @clients), 0, 'each came back once';
is scalar(grep { $_->{gaps} } @clients), 0, 'without a gap';
is $aborted->ended, 'cut', 'herald_drain abort cuts';
my $text;
do { $text = $ws->next_text } while defined $text;
is $ws->last_close->{code}, 1012, 'a WebSocket is closed with 1012';
my $log = $h->read_file('herald.log');
is scalar(() = $log =~ m{^/s sse drain$}mg), 20, 'the log says drain';

# -- a worker is killed

$h->kill_worker;
publish(sprintf '{"n":%d}', ++$n) for 1 .. 20;
$_->read_to($n) for @clients;
is scalar(grep { "@{$_->{n}}" ne "@{[1 .. $n]}" } @clients), 0, 'kill -9 of a worker: nothing lost, nothing twice';

# -- the sidecar is killed
my @before = map { $_->{connects} } @clients;
$h->kill_sidecar(9);
is $clients[0]{sse}->next_comment, 'keepalive', 'kill -9 of the sidecar: keepalives go on';
like healthy()->{body}, qr/"sidecar":"disconnected"/, 'health tells';
is healthy()->{status}, 503, 'with 503';
is $h->http(GET => '/strict')->{status}, 503, 'herald_require_redis refuses newcomers';
my $late = $h->sse('/s', headers => { 'Last-Event-ID' => $clients[0]{id} });
publish('{"lost":1}');
my $from = $h->log_size('sidecar');
$h->start_sidecar;
wait_for(sub { healthy()->{status} == 200 }, 'health');
wait_for(sub { my @all = substr($h->sidecar_log, $from) =~ /worker attached/g; @all >= 2 }, 'both workers to attach again');
my $resumed = $clients[1]{id};
publish(sprintf '{"n":%d}', ++$n);
$_->read_to($n) for @clients;
is scalar(grep { "@{$_->{n}}" ne "@{[1 .. $n]}" } @clients), 0, 'after its restart events flow again';
is_deeply [map { $_->{connects} } @clients], \@before, 'on the same connections';
is scalar(grep { $_->{gaps} != 1 } @clients), 0, 'each was told of one gap';
my $back = $h->sse('/s', headers => { 'Last-Event-ID' => $resumed });
like $back->next_event->{data}, qr/"type":"gap","reason":"redis"/, 'who resumes from before is told that nobody listened';
is $back->next_event->{data}, qq({"n":$n}), 'and gets all else';

# -- Redis is killed
$_->{gaps} = 0 for @clients;
$h->kill_redis;
my $error;
do { $error = $clients[0]{sse}->next_event } while ($error->{event} // '') ne 'error';
is $error->{raw} =~ s/^(:|retry).*\n\n//gr, qq(event: error\ndata: {"type":"error","message":"Redis connection error"}\n\n), 'the loss of Redis is told';
is $clients[0]{sse}->next_comment, 'keepalive', 'the stream stays';
like healthy()->{body}, qr/"redis":"disconnected"/, 'health tells';
is $h->http(GET => '/strict')->{status}, 503, 'herald_require_redis refuses newcomers';
$h->start_redis;
wait_for(sub { healthy()->{status} == 200 }, 'Redis to be found again');
publish(sprintf '{"n":%d}', ++$n);
$_->read_to($n) for @clients;
is scalar(grep { "@{$_->{n}}" ne "@{[1 .. $n]}" } @clients), 0, 'then events flow again';
is scalar(grep { $_->{gaps} != 1 } @clients), 0, 'behind a gap';
is $h->http(GET => '/health')->{status}, 200, 'healthy again';
my $strict = $h->sse('/strict');
is $strict->status, 200, 'newcomers are welcome again';
my $again = $h->sse('/s', headers => { 'Last-Event-ID' => $back->{id} // $resumed });
like $again->next_event->{data}, qr/"type":"gap"/, 'a resume across it is told, too';

# -- nginx without a sidecar at all
$_->{sse}->close for @clients;
$h->stop_nginx('QUIT');
$h->stop_sidecar;
$h->start_nginx;
my $early = $h->sse('/s');
is $early->status, 200, 'without a sidecar streams open';
is $early->next_comment, 'keepalive', 'and live';
$h->start_sidecar;
publish('{"n":1}');    # most likely before the workers find the sidecar
my $event;
do { $event = $early->next_event } while $event->{data} !~ /"n"/;
is $event->{data}, '{"n":1}', 'and get their events once it is there';
my $quit = $h->sse('/s');
$h->stop_nginx('QUIT');
is $quit->ended, 'clean', 'QUIT ends streams cleanly';

$h->finish;
done_testing;

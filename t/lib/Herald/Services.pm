package Herald::Services;

# The half of the harness that starts, stops, kills and reloads redis-server, the sidecar and nginx, and
# reads their logs. Every start returns when the service is ready, by what it logs.

use strict;
use warnings;

use Herald::Process;

sub process { $_[0]{process}{ $_[1] } }    # redis, sidecar or nginx: a Herald::Process

sub start_redis {
    my $self = shift;
    my $from = $self->log_size('redis');
    $self->process('redis')->start;
    $self->wait_log('redis', qr/Ready to accept connections/, from => $from);
}

sub stop_redis { $_[0]->kill_redis('TERM') }

sub kill_redis {
    my ($self, $signal) = @_;
    delete $self->{redis_client};
    return $self->process('redis')->kill($signal // 'KILL');
}

# Returns when the sidecar is ready and, if Redis runs, connected to it.
sub start_sidecar {
    my $self = shift;
    my $from = $self->log_size('sidecar');
    $self->process('sidecar')->start;
    $self->wait_log('sidecar', qr/herald ready/, from => $from);
    $self->wait_log('sidecar', qr/redis connected/, from => $from)
        if $self->process('redis')->alive;
}

# Asks the sidecar to end; a status other than 0 is a problem that `finish` reports.
sub stop_sidecar {
    my $self = shift;
    my $status = $self->process('sidecar')->stop('TERM') // 0;
    push @{ $self->{problems} }, "sidecar ended with wait status $status on SIGTERM" if $status;
    return $status;
}

sub kill_sidecar { return $_[0]->process('sidecar')->kill($_[1] // 'KILL') }
sub restart_sidecar { $_[0]->stop_sidecar; $_[0]->start_sidecar }

sub start_nginx {
    my $self = shift;
    my $from = $self->log_size('nginx');
    $self->process('nginx')->start;
    eval { $self->wait_log('nginx', $self->_workers_started, from => $from); 1 }
        or die "nginx did not start: $@" . $self->process('nginx')->output;
}

# Matches when as many workers were started as the conf wants.
sub _workers_started {
    my $self = shift;
    my ($count) = $self->read_file('nginx.conf') =~ /^\s*worker_processes\s+(\d+)/m;
    $count ||= 1;
    return qr/(?:start worker process \d+.*?){$count}/s;
}

# Fast (TERM) or graceful (QUIT). A status other than 0 is a problem that `finish` reports.
sub stop_nginx {
    my ($self, $signal) = @_;
    # A fast end in the middle of a worker's graceful one makes nginx complain about open sockets.
    push @{ $self->{allowed} }, map { qr/\[alert\] $_#\d+: (?:\*\d+ open socket #|aborting$)/ }
        grep { _title($_) =~ /shutting down/ } $self->_children;
    my $status = $self->process('nginx')->stop($signal // 'TERM') // 0;
    push @{ $self->{problems} }, "nginx ended with wait status $status" if $status;
    return $status;
}

# The running workers that are not shutting down.
sub worker_pids {
    my $self = shift;
    return grep { _title($_) !~ /^$|shutting down|cache/ } $self->_children;
}

sub _children {
    my $self = shift;
    my $master = $self->process('nginx')->pid // return ();
    return split ' ', Herald::Process::slurp("/proc/$master/task/$master/children");
}

# Empty where the process has ended.
sub _title { return Herald::Process::slurp("/proc/$_[0]/cmdline") =~ s{\0.*}{}sr }

# Reloads, with a new conf if one is given; returns when the new workers run and the old ones have been
# told to go. Returns the old workers' pids (see `wait_worker_exit`).
sub reload {
    my ($self, %o) = @_;
    $self->write_conf($o{conf}) if defined $o{conf};
    my @old = $self->worker_pids;
    my $from = $self->log_size('nginx');
    $self->process('nginx')->signal('HUP');
    my $started = $self->_workers_started;
    my $log = $self->wait_log('nginx', qr/$started|\[emerg\]/, from => $from);
    die "nginx refuses the new conf:\n$log" if $log =~ /\[emerg\]/;
    for my $pid (@old) {
        $self->wait_log('nginx', qr/ $pid#\d+: gracefully shutting down/, from => $from);
        $self->wait_for(sub { _title($pid) !~ /worker process$/ }, "worker $pid to be on its way out");
    }
    return @old;
}

# Kills a worker (the first, signal KILL, unless told otherwise) and returns the pid of the one that
# nginx starts in its place. The log lines about that are allowed.
sub kill_worker {
    my ($self, $signal, $pid) = @_;
    $signal //= 'KILL';
    $pid //= ($self->worker_pids)[0] // die "no worker\n";
    push @{ $self->{allowed} }, qr/worker process $pid exited on signal/;
    my $from = $self->log_size('nginx');
    kill $signal, $pid or die "kill: $!";
    my $log = $self->wait_log(
        'nginx', qr/worker process $pid exited.*start worker process (\d+)/s, from => $from);
    return $log =~ /worker process $pid exited.*start worker process (\d+)/s ? $1 : undef;
}

sub wait_worker_exit {
    my ($self, @pids) = @_;
    $self->wait_log('nginx', qr/worker process $_ exited/) for @pids;
}

# --- Logs ---------------------------------------------------------------------------------------

my %LOG_FILES = (nginx => 'error.log', sidecar => 'sidecar.log', redis => 'redis.log');

sub error_log { return $_[0]->read_file('error.log') }
sub access_log { return $_[0]->read_file('access.log') }
sub sidecar_log { return $_[0]->read_file('sidecar.log') }

sub log_size { return -s $_[0]->path($LOG_FILES{ $_[1] }) || 0 }

# Waits until the log of nginx, sidecar or redis matches, behind byte `from` (0); returns the text that
# was searched. Dies after `timeout` (20) seconds or if the process ends first.
sub wait_log {
    my ($self, $which, $regex, %o) = @_;
    return $self->process($which)->wait_log(
        $self->path($LOG_FILES{$which}), $regex, $o{from} // 0, $o{timeout});
}

1;

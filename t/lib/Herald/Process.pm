package Herald::Process;

# A child process with its output in a file: started, watched, signalled, reaped. It has a process group
# of its own, which ends with it, and does not outlive the test, even if that is killed. Waiting for a
# line of a log is waiting for the file to grow.

use strict;
use warnings;

use Errno qw(EINTR);
use POSIX qw(WNOHANG);

use Herald::Stream;

# Options: name, command (arrayref), log (path), env (hashref).
sub new {
    my ($class, %o) = @_;
    open my $touch, '>>', $o{log} or die "$o{log}: $!";
    return bless { %o, pid => undef, status => undef, owner => $$ }, $class;
}

sub start {
    my $self = shift;
    die "$self->{name} runs already\n" if $self->{pid};
    my @command = @{ $self->{command} };
    if (my %env = %{ $self->{env} || {} }) {
        my @names = sort keys %env;
        unshift @command, 'env', (map { ('-u', $_) } grep { !defined $env{$_} } @names),
            (map { "$_=$env{$_}" } grep { defined $env{$_} } @names);
    }
    # Should the test be killed, the kernel asks it to end: TERM, so that a master takes its workers along.
    unshift @command, qw(setpriv --pdeathsig TERM) if -x '/usr/bin/setpriv';

    my $pid = fork() // die "fork(): $!";
    if ($pid == 0) {
        setpgrp;
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $self->{log};
        open STDERR, '>&', \*STDOUT;
        no warnings 'exec';
        exec { $command[0] } @command;
        print STDERR "exec $command[0]: $!\n";
        POSIX::_exit(127);
    }
    @$self{qw(pid status)} = ($pid, undef);
    return $self;
}

sub pid { $_[0]{pid} }
sub output { return slurp($_[0]{log}) }

# The wait status of the last run, where that has ended.
sub status { $_[0]->alive; return $_[0]{status} }

sub alive {
    my $self = shift;
    return 0 unless $self->{pid};
    return 1 if waitpid($self->{pid}, WNOHANG) != $self->{pid};
    $self->_ended($?);
    return 0;
}

sub _ended {
    my ($self, $status) = @_;
    CORE::kill 'KILL', -$self->{pid};    # what it has left behind
    @$self{qw(pid status stopped)} = (undef, $status, 0);
}

sub signal {
    my ($self, $signal) = @_;
    return 0 unless $self->alive;
    $self->{stopped} = $signal eq 'STOP' if $signal =~ /^(?:STOP|CONT)$/;
    return CORE::kill($signal, $self->{pid});
}

# Waits for the end and returns the wait status; dies (and kills) after `timeout` seconds.
sub wait_exit {
    my ($self, $timeout) = @_;
    return $self->{status} unless $self->{pid};
    my $deadline = Herald::Stream::now() + ($timeout // 20);
    while ($self->alive) {
        if (Herald::Stream::now() > $deadline) {
            my $pid = $self->{pid};
            CORE::kill 'KILL', -$pid;
            waitpid $pid, 0;
            $self->_ended($?);
            die "$self->{name} ($pid) did not end: killed\n";
        }
        select undef, undef, undef, 0.01;
    }
    return $self->{status};
}

sub stop {
    my ($self, $signal, $timeout) = @_;
    return $self->{status} unless $self->alive;
    CORE::kill $signal // 'TERM', $self->{pid};
    # A stopped process gets its signal then, and does nothing before it. Another must get none: LeakSanitizer
    # stops the process at its end, and waits for ever where a CONT undoes that.
    CORE::kill 'CONT', $self->{pid} if $self->{stopped};
    return $self->wait_exit($timeout);
}

# Like `stop`, for a test that wants the end to be a violent one: the status is not held against it.
sub kill {
    my ($self, $signal) = @_;
    my $status = $self->stop($signal // 'KILL');
    $self->{status} = undef;
    return $status;
}

# Waits until the text of `file` behind byte `from` matches, and returns that text. Dies if the
# process ends first, or after `timeout` seconds.
sub wait_log {
    my ($self, $file, $regex, $from, $timeout) = @_;
    my $deadline = Herald::Stream::now() + ($timeout // 20);
    my $tail_pid = open my $pipe, '-|', 'tail', '-f', '-c', '+' . ($from + 1), $file
        or die "tail: $!";
    my $tail = Herald::Stream->new($pipe, $file, pid => $tail_pid);
    my ($text, $found) = ('');
    until ($found = $text =~ $regex) {
        my $now = Herald::Stream::now();
        last if $now > $deadline;
        my $slice = $now + 0.2 < $deadline ? $now + 0.2 : $deadline;
        if ($tail->fill($slice)) {
            $text .= $tail->read_some;
        } elsif (!$self->alive) {
            $text = substr slurp($file), $from;    # tail may be a moment behind
            $found = $text =~ $regex;
            last;
        }
    }
    $tail->close;
    return $text if $found;

    my $end = $self->alive ? 'in time' : 'before it ended';
    die "$self->{name} did not log $regex $end:\n$text\n";
}

sub slurp {
    my $file = shift;
    open my $handle, '<:raw', $file or return '';
    local $/;
    return scalar(<$handle>) // '';
}

sub DESTROY {
    my $self = shift;
    return unless $self->{pid} && $self->{owner} == $$;
    local ($?, $!, $@);
    CORE::kill 'KILL', -$self->{pid};
    waitpid $self->{pid}, 0;
}

1;

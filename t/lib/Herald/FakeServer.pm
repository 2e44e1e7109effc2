package Herald::FakeServer;

# What a test's own HTTP servers have in common: a process for each connection, in a process group that does not outlive
# the test, even if that is killed. They keep nothing in memory: what a test sets and what it is told are files of `dir`,
# and so every connection, in a process of its own, sees what was set last.
#
# A server is a class with this one as its parent. It has the members `dir` and those of `listen_on`, and a method
# `_serve($client)`, for a connection until it ends.

use strict;
use warnings;

use POSIX ();

use Herald::Process;

# Starts it on a listening socket, which stays the caller's.
sub listen_on {
    my ($self, $listening) = @_;
    $self->{owner} = $$;
    $self->{pid} = fork() // die "fork(): $!";
    return if $self->{pid};

    setpgrp;
    $SIG{CHLD} = 'IGNORE';
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    my $parent = getppid;
    while (getppid == $parent) {
        my $bits = '';
        vec($bits, $listening->fileno, 1) = 1;
        next unless select $bits, undef, undef, 1;
        my $client = $listening->accept or next;
        if ((fork() // 1) == 0) {
            close $listening;
            eval { $self->_serve($client) };
            POSIX::_exit(0);
        }
        close $client;
    }
    kill KILL => -$$;    # the test has gone without a word: connections go too
    POSIX::_exit(0);
}

sub stop {
    my $self = shift;
    return unless $self->{pid} && $self->{owner} == $$;
    kill 'KILL', -$self->{pid};
    kill 'KILL', $self->{pid};    # where it has no group yet
    waitpid delete $self->{pid}, 0;
}

sub DESTROY { local ($?, $!, $@); $_[0]->stop }

# A file of `dir`, replaced at once.
sub write_file {
    my ($self, $name, $text) = @_;
    my $path = "$self->{dir}/$name";
    open my $file, '>:raw', "$path.new" or die "$path: $!";
    print $file $text;
    close $file or die "$path: $!";
    rename "$path.new", $path or die "$path: $!";
}

# At the end of a file of `dir`, with one write.
sub append_file {
    my ($self, $name, $text) = @_;
    open my $file, '>>:raw', "$self->{dir}/$name" or die "$name: $!";
    syswrite $file, $text;
    close $file;
}

# Empty where there is none.
sub read_file { return Herald::Process::slurp("$_[0]{dir}/$_[1]") }

sub remove_file { unlink "$_[0]{dir}/$_[1]" }

# All of a text, to a connection.
sub send_all {
    my ($self, $client, $text) = @_;
    while (length $text) {
        my $sent = syswrite $client, $text or return;
        substr $text, 0, $sent, '';
    }
}

1;

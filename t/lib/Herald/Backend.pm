package Herald::Backend;

# A small HTTP backend behind nginx, whose answers a test sets while it runs, and that a test can make
# wait. It keeps nothing in memory: answers are files, and so every request, in a process of its own,
# sees what was set last.
#
#     my $backend = Herald::Backend->new($h, 'PORT2');
#     $backend->answer('/runs/1' => 200, '{"status":"running"}');
#     $backend->hold('/runs/1');       # requests wait from here on ...
#     $backend->release('/runs/1');    # ... until now
#     is scalar $backend->requests('/runs/1'), 1;

use strict;
use warnings;

use IO::Socket::INET;
use POSIX ();

sub new {
    my ($class, $h, $port_name) = @_;
    my $self = bless { dir => $h->path("backend_$port_name"), owner => $$ }, $class;
    mkdir $self->{dir} or die "$self->{dir}: $!";
    my $listening = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $h->port($port_name), Listen => 128, ReuseAddr => 1,
        Proto => 'tcp') or die "backend: $!";
    $self->{pid} = fork() // die "fork(): $!";
    return $self if $self->{pid};

    setpgrp;
    $SIG{CHLD} = 'IGNORE';
    $SIG{$_} = 'DEFAULT' for qw(TERM INT);
    my $parent = getppid;
    while (getppid == $parent) {
        my $bits = '';
        vec($bits, $listening->fileno, 1) = 1;
        next unless select $bits, undef, undef, 1;
        my $client = $listening->accept or next;
        if ((fork() // 1) == 0) {
            eval { $self->_serve($client) };
            POSIX::_exit(0);
        }
        close $client;
    }
    POSIX::_exit(0);
}

# Whatever has not been set is answered with 404. `headers` is text, lines that end in CRLF.
sub answer {
    my ($self, $path, $status, $body, $headers) = @_;
    $self->_write($path, 'answer', "$status\n" . ($headers // '') . "\r\n" . ($body // ''));
}

sub hold { $_[0]->_write($_[1], 'hold', '') }
sub release { unlink $_[0]->_file($_[1], 'hold') }

# The requests for a path that have come so far, each as its head.
sub requests {
    my ($self, $path) = @_;
    my $log = Herald::Process::slurp($self->_file($path, 'log'));
    return split /\0/, $log;
}

sub stop {
    my $self = shift;
    return unless $self->{pid} && $self->{owner} == $$;
    kill 'KILL', -$self->{pid};
    kill 'KILL', $self->{pid};
    waitpid delete $self->{pid}, 0;
}

sub DESTROY { local ($?, $!, $@); $_[0]->stop }

sub _file {
    my ($self, $path, $kind) = @_;
    return "$self->{dir}/" . ($path =~ s{([^A-Za-z0-9])}{sprintf '_%02x', ord $1}ger) . ".$kind";
}

sub _write {
    my ($self, $path, $kind, $text) = @_;
    my $name = $self->_file($path, $kind);
    open my $file, '>:raw', "$name.new" or die "$name: $!";
    print $file $text;
    close $file or die "$name: $!";
    rename "$name.new", $name or die "$name: $!";
}

sub _serve {
    my ($self, $client) = @_;
    my $head = '';
    until ($head =~ /\r\n\r\n/) {
        sysread($client, $head, 65536, length $head) or return;
    }
    my ($path) = $head =~ m{^\S+ (\S+)} or return;
    open my $log, '>>:raw', $self->_file($path, 'log') or die $!;
    syswrite $log, "$head\0";
    close $log;

    my $hold = $self->_file($path, 'hold');
    while (-e $hold) {
        my $bits = '';
        vec($bits, $client->fileno, 1) = 1;
        return if select($bits, undef, undef, 0.01) && !sysread $client, my $more, 1;
    }
    my $answer = Herald::Process::slurp($self->_file($path, 'answer')) || "404\n\r\n{\"detail\":\"no such thing\"}";
    my ($status, $headers, $body) = $answer =~ /^(\d+)\n((?:[^\r\n]+\r\n)*)\r\n(.*)\z/s or return;
    my $reply = "HTTP/1.1 $status Something\r\nContent-Type: application/json\r\nConnection: close\r\n"
        . "Content-Length: " . length($body) . "\r\n$headers\r\n$body";
    while (length $reply) {
        my $sent = syswrite $client, $reply or return;
        substr $reply, 0, $sent, '';
    }
}

1;

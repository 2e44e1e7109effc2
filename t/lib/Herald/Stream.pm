package Herald::Stream;

# A byte stream with a buffer and deadlines: a TCP or TLS connection of a client, or the output of a
# child process. Every wait is a select() on the descriptor; a wait that takes too long dies and says
# what it waited for, so that a test fails with a sentence and never hangs.

use strict;
use warnings;

use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use IO::Socket::INET;
use IO::Socket::SSL qw(SSL_VERIFY_NONE SSL_WANT_READ SSL_WANT_WRITE);
use Socket qw(IPPROTO_TCP SO_LINGER SO_RCVBUF SOL_SOCKET TCP_NODELAY);
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

our $TIMEOUT = 10;    # seconds

sub now { return clock_gettime(CLOCK_MONOTONIC) }

# Options: port; tls (0), alpn (['http/1.1']), rcvbuf (bytes: a small one makes a slow client).
sub connect {
    my ($class, %o) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $socket = IO::Socket::INET->new(Proto => 'tcp') or die "socket(): $!";
    setsockopt($socket, SOL_SOCKET, SO_RCVBUF, pack('i', $o{rcvbuf})) if $o{rcvbuf};
    CORE::connect($socket, Socket::pack_sockaddr_in($o{port}, Socket::INADDR_LOOPBACK()))
        or die "no connection to port $o{port}: $!\n";
    setsockopt($socket, IPPROTO_TCP, TCP_NODELAY, pack('i', 1));
    if ($o{tls}) {
        IO::Socket::SSL->start_SSL(
            $socket,
            SSL_verify_mode => SSL_VERIFY_NONE,
            SSL_alpn_protocols => $o{alpn} || ['http/1.1'])
            or die "TLS with port $o{port} failed: $IO::Socket::SSL::SSL_ERROR\n";
    }
    return $class->new($socket, "port $o{port}", tls => $o{tls});
}

# Takes over any handle that can be read. `pid`: a child to be ended with the stream.
sub new {
    my ($class, $handle, $name, %o) = @_;
    $handle->blocking(0);
    return bless {
        handle => $handle, name => $name, tls => $o{tls}, pid => $o{pid},
        buffer => '', eof => 0, error => undef, received => 0, owner => $$,
    }, $class;
}

sub handle { $_[0]{handle} }
sub received { $_[0]{received} }    # bytes, ever
sub error { $_[0]{error} }          # why the stream broke, where it did not end cleanly

# Reads what is there, waiting for it until `deadline`. True if the buffer grew; false at the end of
# the stream (`at_eof`) or of the time.
sub fill {
    my ($self, $deadline) = @_;
    until ($self->{eof}) {
        my $read = sysread($self->{handle}, $self->{buffer}, 65536, length $self->{buffer});
        if ($read) {
            $self->{received} += $read;
            return 1;
        }
        if (defined $read) {
            $self->{eof} = 1;
        } elsif ($! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR) {
            $self->_wait($deadline) or return 0;
        } else {
            $self->{error} = "$!";
            $self->{eof} = 1;
        }
    }
    return 0;
}

sub at_eof { $_[0]{eof} && $_[0]{buffer} eq '' }

sub _wait {
    my ($self, $deadline) = @_;
    my $left = $deadline - now();
    return 0 if $left <= 0;
    my $bits = '';
    vec($bits, fileno($self->{handle}), 1) = 1;
    my $write = $self->{tls} && $IO::Socket::SSL::SSL_ERROR == SSL_WANT_WRITE ? $bits : undef;
    select($write ? undef : $bits, $write, undef, $left);
    return 1;
}

# All bytes up to and including the match, or undef if the stream ends first.
sub read_until {
    my ($self, $regex, $timeout) = @_;
    my $deadline = now() + ($timeout // $TIMEOUT);
    while (1) {
        return substr($self->{buffer}, 0, $+[0], '') if $self->{buffer} =~ $regex;
        next if $self->fill($deadline);
        return undef if $self->{eof};
        $self->give_up("$regex", $timeout);
    }
}

# Exactly so many bytes, or undef if the stream ends first.
sub read_exactly {
    my ($self, $size, $timeout) = @_;
    my $deadline = now() + ($timeout // $TIMEOUT);
    while (length $self->{buffer} < $size) {
        next if $self->fill($deadline);
        return undef if $self->{eof};
        $self->give_up("$size bytes", $timeout);
    }
    return substr($self->{buffer}, 0, $size, '');
}

# Whatever has arrived, at least one byte; '' at the end of the stream.
sub read_some {
    my ($self, $timeout) = @_;
    my $deadline = now() + ($timeout // $TIMEOUT);
    $self->{buffer} ne '' || $self->fill($deadline) || $self->{eof}
        or $self->give_up('any byte', $timeout);
    return substr($self->{buffer}, 0, length $self->{buffer}, '');
}

# Everything up to the end of the stream.
sub read_all {
    my ($self, $timeout) = @_;
    my $deadline = now() + ($timeout // $TIMEOUT);
    1 while $self->fill($deadline);
    $self->{eof} or $self->give_up('the end of the stream', $timeout);
    return substr($self->{buffer}, 0, length $self->{buffer}, '');
}

# True if not one byte and no end arrives within so many seconds.
sub quiet {
    my ($self, $seconds) = @_;
    return $self->{buffer} eq '' && !$self->fill(now() + $seconds) && !$self->{eof};
}

sub write {
    my ($self, $bytes, $timeout) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $deadline = now() + ($timeout // $TIMEOUT);
    while (length $bytes) {
        my $written = syswrite($self->{handle}, $bytes);
        if (defined $written) {
            substr($bytes, 0, $written, '');
        } elsif ($! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR) {
            my $bits = '';
            vec($bits, fileno($self->{handle}), 1) = 1;
            my $left = $deadline - now();
            $left > 0 or $self->give_up('room to write', $timeout);
            my $read = $self->{tls} && $IO::Socket::SSL::SSL_ERROR == SSL_WANT_READ ? $bits : undef;
            select($read, $read ? undef : $bits, undef, $left);
        } else {
            return 0;
        }
    }
    return 1;
}

# Ends the sending half alone.
sub half_close { shutdown($_[0]{handle}, 1) }

sub close {
    my $self = shift;
    return unless $self->{handle};
    kill 'TERM', $self->{pid} if $self->{pid};    # of the child that this is a pipe of
    local $?;
    CORE::close(delete $self->{handle});
    $self->{eof} = 1;
}

# Closes with a reset instead of an end.
sub abort {
    my $self = shift;
    setsockopt($self->{handle}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    CORE::close(delete $self->{handle});
    $self->{eof} = 1;
}

sub give_up {
    my ($self, $what, $timeout) = @_;
    my $tail = substr($self->{buffer}, -400);
    $tail =~ s/([^\x20-\x7e\n])/sprintf '\\x%02x', ord $1/ge;
    die sprintf "%s: no %s within %g s; unread: \"%s\"\n", $self->{name}, $what,
        $timeout // $TIMEOUT, $tail;
}

sub DESTROY { $_[0]->close if $_[0]{handle} && $_[0]{owner} == $$ }

1;

package Herald::Redis;

# The client half of Redis' protocol (RESP 2), binary-safe, as far as tests need it.

use strict;
use warnings;

use Herald::Stream;

sub new {
    my ($class, $port) = @_;
    return bless { stream => Herald::Stream->connect(port => $port) }, $class;
}

# The reply: a string, a number, undef (nil) or an array of replies. Dies with Redis' error.
sub command {
    my ($self, @words) = @_;
    my $bytes = '*' . @words . "\r\n";
    for my $word (@words) {
        utf8::encode($word) if utf8::is_utf8($word);
        $bytes .= '$' . length($word) . "\r\n$word\r\n";
    }
    $self->{stream}->write($bytes) or die "Redis is gone\n";
    return $self->_reply;
}

sub _reply {
    my $self = shift;
    my $line = $self->{stream}->read_until(qr/\r\n/) // die "Redis is gone\n";
    my ($kind, $rest) = $line =~ /^([-+:\$*])(.*)\r\n\z/s or die "not RESP: $line";

    return $rest if $kind eq '+' || $kind eq ':';
    die "Redis: $rest\n" if $kind eq '-';
    return undef if $rest < 0;
    return [map { $self->_reply } 1 .. $rest] if $kind eq '*';
    my $bulk = $self->{stream}->read_exactly($rest + 2) // die "Redis is gone\n";
    return substr($bulk, 0, $rest);
}

1;

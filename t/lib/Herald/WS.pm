package Herald::WS;

# A WebSocket client (RFC 6455) that can also be wrong on purpose: every bit of a frame is the
# caller's, and what comes back is shown as it came.

use strict;
use warnings;

use Digest::SHA qw(sha1_base64);
use MIME::Base64 qw(encode_base64);

use Herald::Http;
use Herald::Stream;

use constant { CONTINUATION => 0, TEXT => 1, BINARY => 2, CLOSE => 8, PING => 9, PONG => 10 };

# Options: port; path; headers (hash: added to the handshake's or, with undef, removing one of them),
# protocol (Sec-WebSocket-Protocol), key, method, version ('1.1'), tls (0), rcvbuf, timeout.
# Any status is accepted: ask `status`; the body of a refusal is in `body`.
sub open {
    my ($class, %o) = @_;
    my $key = $o{key} // encode_base64(join('', map { chr int rand 256 } 1 .. 16), '');
    my %given = ref $o{headers} eq 'ARRAY' ? @{ $o{headers} } : %{ $o{headers} || {} };
    my %headers = (
        Upgrade => 'websocket',
        Connection => 'Upgrade',
        'Sec-WebSocket-Version' => 13,
        'Sec-WebSocket-Key' => $key,
        (defined $o{protocol} ? ('Sec-WebSocket-Protocol' => $o{protocol}) : ()),
    );
    for my $name (keys %given) {
        delete $headers{$_} for grep { lc $_ eq lc $name } keys %headers;
        $headers{$name} = $given{$name} if defined $given{$name};
    }

    my $stream = Herald::Stream->connect(%o{qw(port tls rcvbuf)});
    my $method = $o{method} // 'GET';
    $stream->write(Herald::Http::request($method, $o{path}, $o{version} // '1.1', \%headers));
    my ($status, $answer) = Herald::Http::read_head($stream, $o{timeout});
    my $self = bless { stream => $stream, status => $status, headers => $answer, body => '' }, $class;

    if ($status == 101) {
        my $accept = sha1_base64($key . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=';
        die "wrong Sec-WebSocket-Accept\n" if ($answer->{'sec-websocket-accept'} // '') ne $accept;
    } elsif ($status) {
        $self->{body} = Herald::Http::read_body($stream, $method, $status, $answer, $o{timeout});
    }
    return $self;
}

sub status { $_[0]{status} }
sub headers { $_[0]{headers} }    # names in lower case
sub body { $_[0]{body} }
sub stream { $_[0]{stream} }
sub protocol { $_[0]{headers}{'sec-websocket-protocol'} }

# The bytes of a frame. Options: fin (1), mask (1), rsv (0 to 7), length (a lie about the payload's).
sub frame {
    my ($opcode, $payload, %o) = @_;
    my $length = $o{length} // length $payload;
    my $mask_bit = ($o{mask} // 1) ? 0x80 : 0;
    my $first = (($o{fin} // 1) ? 0x80 : 0) | ($o{rsv} // 0) << 4 | $opcode;
    my $head =
          $length < 126 ? pack('CC', $first, $mask_bit | $length)
        : $length < 65536 ? pack('CCn', $first, $mask_bit | 126, $length)
        :                   pack('CCQ>', $first, $mask_bit | 127, $length);
    return $head . $payload unless $mask_bit;

    my $mask = join '', map { chr int rand 256 } 1 .. 4;
    my $masks = $mask x (length($payload) / 4 + 1);
    return $head . $mask . ($payload ^ substr($masks, 0, length $payload));
}

sub send_frame { my $self = shift; return $self->{stream}->write(frame(@_)) }
sub send_raw { return $_[0]{stream}->write($_[1]) }
sub send_text { return $_[0]->send_frame(TEXT, $_[1]) }
sub ping { return $_[0]->send_frame(PING, $_[1] // '') }

# The next frame as it came: { fin, rsv, opcode, masked, payload }; for a Close also { code, reason }.
# undef where the connection ended; dies after `timeout` (10 seconds).
sub next_frame {
    my ($self, $timeout) = @_;
    my $stream = $self->{stream};
    my $head = $stream->read_exactly(2, $timeout) // return undef;
    my ($first, $second) = unpack 'CC', $head;
    my $length = $second & 0x7f;
    my $extended = $length == 126 ? 2 : $length == 127 ? 8 : 0;
    if ($extended) {
        my $bytes = $stream->read_exactly($extended, $timeout) // return undef;
        $length = unpack $extended == 2 ? 'n' : 'Q>', $bytes;
    }
    my $mask = $second & 0x80 ? $stream->read_exactly(4, $timeout) : '';
    my $payload = $stream->read_exactly($length, $timeout) // return undef;
    $payload ^= substr($mask x ($length / 4 + 1), 0, $length) if $mask;

    my %frame = (
        fin => $first >> 7, rsv => $first >> 4 & 7, opcode => $first & 15,
        masked => $second >> 7, payload => $payload,
    );
    @frame{qw(code reason)} = unpack 'n a*', $payload
        if $frame{opcode} == CLOSE && length $payload >= 2;
    return \%frame;
}

# The payload of the next text frame. Pings are answered and passed over; undef at a Close or the end
# (`last_close` is that frame, or undef).
sub next_text {
    my ($self, $timeout) = @_;
    my $deadline = Herald::Stream::now() + ($timeout // $Herald::Stream::TIMEOUT);
    while (1) {
        my $left = $deadline - Herald::Stream::now();
        my $frame = $self->next_frame($left > 0 ? $left : 0) // return undef;
        return $frame->{payload} if $frame->{opcode} == TEXT;
        $self->send_frame(PONG, $frame->{payload}) if $frame->{opcode} == PING;
        if ($frame->{opcode} == CLOSE) {
            $self->{last_close} = $frame;
            return undef;
        }
    }
}

sub last_close { $_[0]{last_close} }

# True if no frame and no end comes within so many seconds.
sub quiet { return $_[0]{stream}->quiet($_[1]) }

# Sends a Close (an empty one without a code), reads to the end and returns the server's Close frame,
# or undef if it sent none.
sub close {
    my ($self, $code, $reason) = @_;
    $self->send_frame(CLOSE, defined $code ? pack('n', $code) . ($reason // '') : '');
    my $close;
    while (my $frame = $self->next_frame) {
        $close //= $frame if $frame->{opcode} == CLOSE;
    }
    $self->{stream}->close;
    return $close;
}

# Waits for the connection's end: 'clean' or 'cut' (a reset). Frames on the way are lost.
sub ended {
    my ($self, $timeout) = @_;
    $self->{stream}->read_all($timeout);
    return defined $self->{stream}->error ? 'cut' : 'clean';
}

sub abort { $_[0]{stream}->abort }

1;

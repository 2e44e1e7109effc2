package Herald::SSE;

# An SSE client that hides nothing: it decodes chunks and blocks, and also hands out what a browser
# would swallow (comments, `retry:`, raw bytes, how the stream ended). It never reconnects.
#
# A block is what stands between two empty lines. It is an event if it has data. Blocks that a call
# skips wait for the call that wants them.

use strict;
use warnings;

use Compress::Raw::Zlib;

use Herald::Http;
use Herald::Stream;

# Options: port; path; method (GET), headers (hash or array), version ('1.1'), tls (0), rcvbuf (bytes),
# timeout (for the response head). Any status is accepted: ask `status`.
sub open {
    my ($class, %o) = @_;
    my $stream = Herald::Stream->connect(%o{qw(port tls rcvbuf)});
    $stream->write(Herald::Http::request(
        $o{method} // 'GET', $o{path}, $o{version} // '1.1', $o{headers}, $o{body}));
    return $class->over($stream, %o);
}

# Over a stream that delivers a response head and a body, such as `curl -i`. With dechunked => 1 the
# body comes without its chunks and codings whatever the head says.
sub over {
    my ($class, $stream, %o) = @_;
    my ($status, $headers, $head) = Herald::Http::read_head($stream, $o{timeout});
    my $chunked = !$o{dechunked} && ($headers->{'transfer-encoding'} // '') =~ /chunked/i;
    return bless {
        stream => $stream, status => $status, headers => $headers, head => $head, chunked => $chunked,
        text => '', blocks => [], end => undef, gzip => $o{dechunked} ? undef : _inflater($headers),
    }, $class;
}

sub status { $_[0]{status} }
sub headers { $_[0]{headers} }    # names in lower case
sub head { $_[0]{head} }          # as it came
sub stream { $_[0]{stream} }

# Whether a gzip stream has come to its end, with the right checksum and length.
sub gzip_ended { $_[0]{gzip}{ended} }
# Bytes of it so far, as they came.
sub gzip_bytes { $_[0]{gzip}{bytes} }

# The next event: { id, event, data, retry, comments, raw }; absent fields are undef. `comments`,
# `retry` and `raw` include those of the blocks without data before it. undef at the end of the
# stream; dies if nothing comes within `timeout` (10 seconds).
sub next_event {
    my ($self, $timeout) = @_;
    my $deadline = Herald::Stream::now() + ($timeout // $Herald::Stream::TIMEOUT);
    my (@comments, $retry);
    my $raw = '';
    while (my $block = $self->_block($deadline, $timeout, 'event')) {
        push @comments, @{ $block->{comments} };
        $retry = $block->{retry} if defined $block->{retry};
        $raw .= $block->{raw};
        return { %$block, comments => \@comments, retry => $retry, raw => $raw }
            if defined $block->{data};
    }
    return undef;
}

# The next `count` events as a list.
sub events {
    my ($self, $count, $timeout) = @_;
    return map { $self->next_event($timeout) // die "the stream ended\n" } 1 .. $count;
}

# The next block as it is, with data or without.
sub next_block {
    my ($self, $timeout) = @_;
    my $deadline = Herald::Stream::now() + ($timeout // $Herald::Stream::TIMEOUT);
    return $self->_block($deadline, $timeout, 'block');
}

# The text of the next comment. Events that come before it stay for `next_event`.
sub next_comment {
    my ($self, $timeout) = @_;
    my $deadline = Herald::Stream::now() + ($timeout // $Herald::Stream::TIMEOUT);
    for (my $at = 0;; ++$at) {
        if ($at == @{ $self->{blocks} }) {
            my $block = $self->_read_block($deadline, $timeout, 'comment') // return undef;
            push @{ $self->{blocks} }, $block;
        }
        my $block = $self->{blocks}[$at];
        my $comment = shift @{ $block->{comments} };
        next unless defined $comment;
        splice @{ $self->{blocks} }, $at, 1
            unless @{ $block->{comments} } || grep { defined $block->{$_} } qw(id event data retry);
        return $comment;
    }
}

# Bytes of the body that no block has taken yet: at least one, or '' at the end.
sub read_raw {
    my ($self, $timeout) = @_;
    my $deadline = Herald::Stream::now() + ($timeout // $Herald::Stream::TIMEOUT);
    until (length $self->{text}) {
        $self->_fill($deadline) or last;
    }
    $self->{stream}->give_up('byte', $timeout) if $self->{text} eq '' && !defined $self->{end};
    return substr($self->{text}, 0, length $self->{text}, '');
}

# True if no block and no end comes within so many seconds.
sub quiet {
    my ($self, $seconds) = @_;
    return 0 if @{ $self->{blocks} };
    my $deadline = Herald::Stream::now() + $seconds;
    while ($self->_fill($deadline)) { }
    return $self->{text} eq '' && !defined $self->{end};
}

# Waits for the end: 'clean' (the last chunk, or the connection's end where that is the body's) or
# 'cut'. Events on the way stay for `next_event`.
sub ended {
    my ($self, $timeout) = @_;
    my $deadline = Herald::Stream::now() + ($timeout // $Herald::Stream::TIMEOUT);
    while ($self->_fill($deadline)) { }
    $self->{stream}->give_up('end of the stream', $timeout) unless defined $self->{end};
    return $self->{end};
}

# The body of a response that is no stream.
sub body {
    my ($self, $timeout) = @_;
    return Herald::Http::read_body($self->{stream}, 'GET', $self->{status}, $self->{headers}, $timeout);
}

sub close { $_[0]{stream}->close }

# --- Decoding -----------------------------------------------------------------------------------

sub _block {
    my $self = shift;
    return @{ $self->{blocks} } ? shift @{ $self->{blocks} } : $self->_read_block(@_);
}

sub _read_block {
    my ($self, $deadline, $timeout, $what) = @_;
    # WHATWG HTML, section 9.2.6: lines end in CRLF, LF or CR.
    while ($self->{text} !~ /\A(?:[^\r\n]+(?:\r\n|\n|\r))*(?:\r\n|\n|\r)/) {
        next if $self->_fill($deadline);
        return undef if defined $self->{end};
        $self->{stream}->{buffer} = $self->{text} . $self->{stream}->{buffer};
        $self->{stream}->give_up($what, $timeout);
    }
    $self->{text} =~ s/\A((?:[^\r\n]+(?:\r\n|\n|\r))*(?:\r\n|\n|\r))//;
    return parse_block($1);
}

sub _inflater {
    my $headers = shift;
    return undef unless ($headers->{'content-encoding'} // '') eq 'gzip';
    my ($inflate, $status) = Compress::Raw::Zlib::Inflate->new(-WindowBits => WANT_GZIP, -AppendOutput => 1);
    die "no inflater: $status\n" unless $inflate;
    return { inflate => $inflate, ended => 0, bytes => 0 };
}

# Inflates what has come behind the first `before` bytes of `text`.
sub _inflate {
    my ($self, $before) = @_;
    my $gzip = $self->{gzip};
    my $coded = substr($self->{text}, $before, length($self->{text}) - $before, '');
    return if $coded eq '';
    die "bytes behind the end of a gzip stream\n" if $gzip->{ended};
    $gzip->{bytes} += length $coded;
    my $status = $gzip->{inflate}->inflate($coded, $self->{text});
    $gzip->{ended} = $status == Z_STREAM_END;
    die "not gzip: $status\n" unless $gzip->{ended} || $status == Z_OK || $status == Z_BUF_ERROR;
}

sub parse_block {
    my $raw = shift;
    my %block = (raw => $raw, comments => [], map { $_ => undef } qw(id event data retry));
    for my $line (split /\r\n|\n|\r/, $raw) {
        my ($field, $value) = $line =~ /^([^:]*)(?:: ?(.*))?$/s;
        $value //= '';
        if ($field eq '' && $line ne '') {
            push @{ $block{comments} }, $value;
        } elsif ($field eq 'data') {
            $block{data} = defined $block{data} ? "$block{data}\n$value" : $value;
        } elsif ($field eq 'id' || $field eq 'event' || $field eq 'retry') {
            $block{$field} = $value;
        }
    }
    return \%block;
}

# Moves body bytes to `text`. False at the end (then `end` is set) and when the time is over.
sub _fill {
    my ($self, $deadline) = @_;
    return 0 if defined $self->{end};
    my $stream = $self->{stream};
    while (1) {
        return 1 if $self->_take;
        return 0 if defined $self->{end};
        next if $stream->fill($deadline);
        return 0 unless $stream->{eof};
        next if $self->_take;
        $self->{end} //= $self->{chunked} || defined $stream->error ? 'cut' : 'clean';
        return 0;
    }
}

# True if something came.
sub _take {
    my $self = shift;
    my $before = length $self->{text};
    my $took = $self->_dechunk;
    $self->_inflate($before) if $self->{gzip};
    return $took;
}

sub _dechunk {
    my $self = shift;
    my $bytes = \$self->{stream}->{buffer};
    my $before = length $self->{text};
    if (!$self->{chunked}) {
        $self->{text} .= substr($$bytes, 0, length $$bytes, '');
        return length $self->{text} > $before;
    }
    while ($$bytes =~ /\A([0-9a-fA-F]+)\r\n/) {
        my ($size, $start) = (hex $1, $+[0]);
        last if length $$bytes < $start + $size + 2;
        substr($$bytes, $start + $size, 2) eq "\r\n" or die "chunk of $size bytes without its end\n";
        $self->{text} .= substr($$bytes, $start, $size);
        substr($$bytes, 0, $start + $size + 2, '');
        if ($size == 0) {
            $self->{end} = 'clean';
            last;
        }
    }
    die "not a chunk: \"" . substr($$bytes, 0, 80) . "\"\n"
        if $$bytes =~ /\A[0-9a-fA-F]*[^0-9a-fA-F\r]/ && !defined $self->{end};
    return length $self->{text} > $before;
}

1;

package Herald::Http;

# The text of HTTP/1: a request written, a response head read, a body decoded. One-shot requests use
# it whole, the clients of streams the head alone.

use strict;
use warnings;

# `headers`: hash or array of pairs (an array keeps order and repeats). A Host is added if none is
# given.
sub request {
    my ($method, $target, $version, $headers, $body) = @_;
    my @pairs = ref $headers eq 'ARRAY' ? @$headers : %{ $headers || {} };
    my %given = map { lc $pairs[ 2 * $_ ] => 1 } 0 .. @pairs / 2 - 1;
    unshift @pairs, Host => 'localhost' unless $given{host};
    push @pairs, 'Content-Length' => length $body if defined $body && !$given{'content-length'};

    my $text = "$method $target HTTP/$version\r\n";
    while (my ($name, $value) = splice @pairs, 0, 2) {
        $text .= "$name: $value\r\n";
    }
    return "$text\r\n" . ($body // '');
}

# (status, headers, head) of the response; names in lower case, repeats joined by ", ". Status 0 where
# the connection ended instead. Interim responses (1xx, but 101) are skipped.
sub read_head {
    my ($stream, $timeout) = @_;
    while (1) {
        my $head = $stream->read_until(qr/\r?\n\r?\n/, $timeout) // return (0, {}, '');
        my ($first, @lines) = split /\r?\n/, $head;
        my ($status) = $first =~ m{^HTTP/\d(?:\.\d)? (\d{3})} or die "not HTTP: $first\n";
        next if $status =~ /^1/ && $status != 101;

        my %headers;
        for (@lines) {
            my ($name, $value) = /^([^:]+):\s*(.*?)\s*$/ or next;
            $name = lc $name;
            $headers{$name} = exists $headers{$name} ? "$headers{$name}, $value" : $value;
        }
        return ($status, \%headers, $head);
    }
}

# The whole body behind a head.
sub read_body {
    my ($stream, $method, $status, $headers, $timeout) = @_;
    return '' if $method eq 'HEAD' || $status == 204 || $status == 304 || $status == 0;

    if (($headers->{'transfer-encoding'} // '') =~ /chunked/i) {
        my $body = '';
        while (defined(my $chunk = read_chunk($stream, $timeout))) {
            return $body if $chunk eq '';
            $body .= $chunk;
        }
        die "the body ended inside a chunk\n";
    }
    if (defined(my $length = $headers->{'content-length'})) {
        return $stream->read_exactly($length, $timeout) // die "the body is too short\n";
    }
    return $stream->read_all($timeout);
}

# One chunk's data: '' for the last, undef where the connection ended without one.
sub read_chunk {
    my ($stream, $timeout) = @_;
    my $line = $stream->read_until(qr/\r\n/, $timeout) // return undef;
    my ($size) = $line =~ /^([0-9a-fA-F]+)\r\n\z/ or die "not a chunk: $line";
    my $data = $stream->read_exactly(hex($size) + 2, $timeout) // return undef;
    $data =~ s/\r\n\z// or die "chunk of $size bytes without its end\n";
    return $data;
}

1;

package Herald::Receiver;

# A receiver of webhooks on 127.0.0.1: an HTTP server that keeps every request and answers as it is told.
#
#     my $receiver = Herald::Receiver->new($directory);
#     $receiver->answer('orders', '503|Retry-After: 2');   # every request for /orders, from now on
#     $receiver->answer('orders', 'jobs:1 500', '200');    # by the header herald-channel; the first that fits
#     $receiver->answer('orders', 'hang');                 # takes the request and says nothing
#     $receiver->requests('orders');                       # what came: { path, headers, body, status }, in order
#
# Without an answer it is 200. A process a connection, which is kept.

use strict;
use warnings;

use IO::Socket::INET;
use JSON::PP;

use parent 'Herald::FakeServer';

sub new {
    my ($class, $directory) = @_;
    mkdir $directory or die "$directory: $!";
    my $listening = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128, ReuseAddr => 1) or die $!;
    my $self = bless { dir => $directory, port => $listening->sockport }, $class;
    $self->listen_on($listening);
    return $self;
}

sub url { "http://127.0.0.1:$_[0]{port}/$_[1]" }

sub answer {
    my ($self, $name, @lines) = @_;
    $self->write_file("$name.answer", join '', map { "$_\n" } @lines);
}

sub requests {
    my ($self, $name) = @_;
    my @requests = map { JSON::PP->new->decode($_) } $self->read_file("$name.requests") =~ /^(.*)\n/mg;
    return @requests;
}

sub _serve { 1 while $_[0]->_serve_one($_[1]) }

# One request; false where the connection has ended.
sub _serve_one {
    my ($self, $client) = @_;
    my $text = '';
    until ($text =~ /\r\n\r\n/) { sysread $client, $text, 65536, length $text or return 0 }
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    my ($start, @lines) = split /\r\n/, $head;
    my %headers = map { my ($key, $value) = split /:\s*/, $_, 2; (lc $key => $value) } @lines;
    while (length $body < ($headers{'content-length'} // 0)) { sysread $client, $body, 65536, length $body or return 0 }

    my ($method, $path) = split ' ', $start;
    my ($name) = $path =~ m{\A/(\w+)};
    my ($status, @more) = split /\|/, $self->_answer_of($name, $headers{'herald-channel'} // '');
    my $line = JSON::PP->new->encode({ method => $method, path => $path, headers => \%headers, body => $body, status => $status });
    $self->append_file("$name.requests", "$line\n");
    if ($status eq 'hang') {
        1 while sysread $client, $text, 65536;
        return 0;
    }
    syswrite $client, join("\r\n", "HTTP/1.1 $status Told", 'Content-Length: 2', @more, '', 'ok');
    return 1;
}

sub _answer_of {
    my ($self, $name, $channel) = @_;
    for my $line (split /\n/, $self->read_file("$name.answer")) {
        return $line unless $line =~ /\A(\S+) (.*)/s && $1 !~ /\|/;
        return $2 if $1 eq $channel;
    }
    return 200;
}

1;

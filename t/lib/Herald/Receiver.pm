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
use POSIX ();

sub new {
    my ($class, $directory) = @_;
    mkdir $directory or die "$directory: $!";
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128, ReuseAddr => 1) or die $!;
    my $self = bless { dir => $directory, port => $listener->sockport, owner => $$ }, $class;
    $self->{pid} = fork // die $!;
    return $self if $self->{pid};

    setpgrp;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    $SIG{CHLD} = 'IGNORE';
    while (1) {
        my $client = $listener->accept or next;
        next if fork;
        close $listener;
        eval { 1 while $self->_serve($client) };
        POSIX::_exit(0);
    }
}

sub url { "http://127.0.0.1:$_[0]{port}/$_[1]" }

sub answer {
    my ($self, $name, @lines) = @_;
    open my $file, '>', "$self->{dir}/$name.new" or die $!;
    print $file map { "$_\n" } @lines;
    close $file or die $!;
    rename "$self->{dir}/$name.new", "$self->{dir}/$name.answer" or die $!;
}

sub requests {
    my ($self, $name) = @_;
    open my $file, '<:raw', "$self->{dir}/$name.requests" or return @{ [] };
    my @requests = map { JSON::PP->new->decode($_) } grep { /\n\z/ } <$file>;
    return @requests;
}

# One request; false where the connection has ended.
sub _serve {
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
    open my $file, '>>:raw', "$self->{dir}/$name.requests" or die $!;
    syswrite $file, "$line\n";
    close $file;
    if ($status eq 'hang') {
        1 while sysread $client, $text, 65536;
        return 0;
    }
    syswrite $client, join("\r\n", "HTTP/1.1 $status Told", 'Content-Length: 2', @more, '', 'ok');
    return 1;
}

sub _answer_of {
    my ($self, $name, $channel) = @_;
    open my $file, '<', "$self->{dir}/$name.answer" or return 200;
    chomp(my @lines = <$file>);
    for my $line (@lines) {
        return $line unless $line =~ /\A(\S+) (.*)/s && $1 !~ /\|/;
        return $2 if $1 eq $channel;
    }
    return 200;
}

sub DESTROY {
    my $self = shift;
    return if $self->{owner} != $$;
    local $?;
    kill 'TERM', -$self->{pid};
    waitpid $self->{pid}, 0;
}

1;

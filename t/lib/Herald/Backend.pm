package Herald::Backend;

# A small HTTP backend behind nginx, whose answers a test sets while it runs, and that a test can make
# wait.
#
#     my $backend = Herald::Backend->new($h, 'PORT2');
#     $backend->answer('/runs/1' => 200, '{"status":"running"}');
#     $backend->hold('/runs/1');       # requests wait from here on ...
#     $backend->release('/runs/1');    # ... until now
#     is scalar $backend->requests('/runs/1'), 1;

use strict;
use warnings;

use IO::Socket::INET;

use parent 'Herald::FakeServer';

sub new {
    my ($class, $h, $port_name) = @_;
    my $self = bless { dir => $h->path("backend_$port_name") }, $class;
    mkdir $self->{dir} or die "$self->{dir}: $!";
    $self->listen_on(IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $h->port($port_name), Listen => 128, ReuseAddr => 1,
        Proto => 'tcp') // die "backend: $!");
    return $self;
}

# Whatever has not been set is answered with 404. `headers` is text, lines that end in CRLF.
sub answer {
    my ($self, $path, $status, $body, $headers) = @_;
    $self->write_file(_name($path, 'answer'), "$status\n" . ($headers // '') . "\r\n" . ($body // ''));
}

sub hold { $_[0]->write_file(_name($_[1], 'hold'), '') }
sub release { $_[0]->remove_file(_name($_[1], 'hold')) }

# The requests for a path that have come so far, each as its head.
sub requests { return split /\0/, $_[0]->read_file(_name($_[1], 'log')) }

sub _name {
    my ($path, $kind) = @_;
    return ($path =~ s{([^A-Za-z0-9])}{sprintf '_%02x', ord $1}ger) . ".$kind";
}

sub _serve {
    my ($self, $client) = @_;
    my $head = '';
    until ($head =~ /\r\n\r\n/) {
        sysread($client, $head, 65536, length $head) or return;
    }
    my ($path) = $head =~ m{^\S+ (\S+)} or return;
    $self->append_file(_name($path, 'log'), "$head\0");

    my $hold = "$self->{dir}/" . _name($path, 'hold');
    while (-e $hold) {
        my $bits = '';
        vec($bits, $client->fileno, 1) = 1;
        return if select($bits, undef, undef, 0.01) && !sysread $client, my $more, 1;
    }
    my $answer = $self->read_file(_name($path, 'answer')) || "404\n\r\n{\"detail\":\"no such thing\"}";
    my ($status, $headers, $body) = $answer =~ /^(\d+)\n((?:[^\r\n]+\r\n)*)\r\n(.*)\z/s or return;
    $self->send_all($client, "HTTP/1.1 $status Something\r\nContent-Type: application/json\r\nConnection: close\r\n"
        . "Content-Length: " . length($body) . "\r\n$headers\r\n$body");
}

1;

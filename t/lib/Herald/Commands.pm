package Herald::Commands;

# What a browser test has done to the services that it stands on: one command a line on standard input, one line as the answer.

use strict;
use warnings;

use Exporter 'import';
use Test::More;

our @EXPORT = ('obey');

# Prints nginx's address, then answers commands until the input ends: NAME REST by $does{NAME}->(REST), beside
# `publish CHANNEL JSON`. Ends the test.
sub obey {
    my ($h, %does) = @_;
    Test::More->builder->output(\*STDERR);
    local $| = 1;
    $does{publish} = sub { my ($channel, $json) = split / /, $_[0], 2; $h->redis_publish($channel, $json); 'ok' };
    print 'http://127.0.0.1:', $h->port('PORT'), "\n";
    while (my $line = <STDIN>) {
        chomp $line;
        my ($command, $rest) = split / /, $line, 2;
        print $does{$command}->($rest), "\n";
    }
    $h->finish;
    done_testing;
}

1;

# What executions.test.mjs stands on: Redis, the sidecar, nginx with conf.d/executions.* as they are shipped, and a
# backend, all on ports of their own. Prints nginx's address, then does what the lines of its standard input say and
# answers each with one line; ends with that input.
#
#     answer PATH STATUS BODY | requests PATH | publish CHANNEL JSON | reload

use strict;
use warnings;

use Test::More;
use Herald;
use Herald::Backend;
use Herald::Shipped;

Test::More->builder->output(\*STDERR);
$| = 1;

my $h = Herald->new(shipped('executions', ports => { 8090 => 'PORT' }, replace => ['server 127.0.0.1:8091;', 'server 127.0.0.1:%%PORT2%%;']));
my $backend = Herald::Backend->new($h, 'PORT2');
my %does = (
    answer => sub { my ($path, $status, $body) = split / /, $_[0], 3; $backend->answer($path, $status, $body); 'ok' },
    requests => sub { scalar(() = $backend->requests($_[0])) },
    publish => sub { my ($channel, $json) = split / /, $_[0], 2; $h->redis_publish($channel, $json); 'ok' },
    reload => sub { $h->wait_worker_exit($h->reload); 'ok' },
);
print 'http://127.0.0.1:', $h->port('PORT'), "\n";
while (my $line = <STDIN>) {
    chomp $line;
    my ($command, $rest) = split / /, $line, 2;
    print $does{$command}->($rest), "\n";
}
$h->finish;
done_testing;

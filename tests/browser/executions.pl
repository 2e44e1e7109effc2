# What executions.test.mjs stands on: Redis, the sidecar, nginx with conf.d/executions.* as they are shipped, and a
# backend, all on ports of their own. Takes, beside `publish`,
#
#     answer PATH STATUS BODY | requests PATH | reload

use strict;
use warnings;

use Herald;
use Herald::Backend;
use Herald::Commands;
use Herald::Shipped;

my $h = Herald->new(shipped('executions', ports => { 8090 => 'PORT' }, replace => ['server 127.0.0.1:8091;', 'server 127.0.0.1:%%PORT2%%;']));
my $backend = Herald::Backend->new($h, 'PORT2');
obey($h,
    answer => sub { my ($path, $status, $body) = split / /, $_[0], 3; $backend->answer($path, $status, $body); 'ok' },
    requests => sub { scalar(() = $backend->requests($_[0])) },
    reload => sub { $h->wait_worker_exit($h->reload); 'ok' });

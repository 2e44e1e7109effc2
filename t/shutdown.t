# Leaving workers under worker_shutdown_timeout, and workers without streams.

use strict;
use warnings;
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
worker_shutdown_timeout 2s;
events { worker_connections 64; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    herald_drain 1h;
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /s { herald_subscribe x:1; herald_lifetime 1h; }
    }
}
CONF
%%SIDECAR%%
[[feed]]
name = "x"
channels = "x:{id}"
TOML

my @streams = map { $h->sse('/s') } 1 .. 8;
$_->next_block for @streams;
my @old = $h->reload;
is scalar(grep { $_->ended eq 'clean' } @streams), 8, 'a drain ends every stream before worker_shutdown_timeout cuts it';
$h->wait_worker_exit(@old);

my $once = $h->sse('/s');
$once->next_block;
$once->close;
$h->wait_worker_exit($h->reload);
pass 'a worker without streams leaves, though a stream that is gone had an hour to live';

$h->finish;
done_testing;

# What compress.test.mjs stands on: Redis, the sidecar, and nginx with streams that are compressed and a page.

use strict;
use warnings;

use Herald;
use Herald::Commands;

obey(Herald->new(conf => <<'CONF', toml => <<'TOML'));
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location = / { default_type text/html; return 200 '<p>A page</p>'; }
        location = /events {
            herald_subscribe x:1;
            herald_compress gzip deflate;
            herald_greeting hello '{"n":0}';
            herald_keepalive 100ms 'data={"beat":true}';
            herald_end_event bye '{"n":-1}';
        }
    }
}
CONF
[sidecar]
socket = "%%SOCKET%%"
state = "%%DIR%%/state"
[redis]
url = "%%REDIS%%"
[[feed]]
name = "x"
channels = "x:{id}"
end_on = ["end"]
event = "type"
TOML

# Mistakes in nginx.conf: each is an error of `nginx -t` that names the directive and says what would be right.

use strict;
use warnings;
use Test::More;
use Herald;

sub conf {
    my ($location, $http) = @_;
    $http //= '';
    return <<"CONF";
events { worker_connections 64; }
http {
    %%TEMP_PATHS%%
    $http
    server { listen 127.0.0.1:%%PORT%%; location / { $location } }
}
CONF
}

my @wrong = (
    ['herald_subscribe;', qr/invalid number of arguments in "herald_subscribe"/],
    ['herald_subscribe "";', qr/"herald_subscribe" channel "" is invalid, a channel is 1 to 1024 bytes/],
    ["herald_subscribe 'a\tb';", qr/"herald_subscribe" channel .* is invalid/],
    ['herald_subscribe a; herald_subscribe b;', qr/"herald_subscribe" is duplicate/],
    ['herald_subscribe $nope;', qr/unknown "nope" variable/],
    ['herald_subscribe a; herald_health;', qr/"herald_health" conflicts with another content handler/],
    ['empty_gif; herald_status;', qr/"herald_status" conflicts with another content handler/],
    ['herald_subscribe a; proxy_pass http://127.0.0.1:1;', qr/location "\/" has a herald content handler .* and another one/],
    ['herald_history;', qr/invalid number of arguments in "herald_history"/],
    ['herald_history a b;', qr/invalid number of arguments in "herald_history"/],
    ["herald_history 'a\tb';", qr/"herald_history" channel .* is invalid, a channel is 1 to 1024 bytes/],
    ['herald_history a; herald_history b;', qr/"herald_history" is duplicate/],
    ['herald_history $nope;', qr/unknown "nope" variable/],
    ['herald_subscribe a; herald_history a;', qr/"herald_history" conflicts with another content handler/],
    ['herald_publish "";', qr/"herald_publish" channel "" is invalid/],
    ['herald_history a; herald_publish a;', qr/"herald_publish" conflicts with another content handler/],
    ['herald_publish a; proxy_pass http://127.0.0.1:1;', qr/location "\/" has a herald content handler .* and another one/],
    ['herald_transport smoke;', qr/"herald_transport" knows "sse" and "websocket", not "smoke"/],
    ['herald_transport sse sse;', qr/"herald_transport" has "sse" twice/],
    ['herald_greeting "a$b" x;', qr/"herald_greeting" event name .* is invalid/],
    ["herald_greeting 'a\nb' x;", qr/"herald_greeting" event name .* is invalid/s],
    ["herald_greeting 'a\nb';", qr/"herald_greeting" must be one line without control characters/],
    ['herald_greeting "{$}";', qr/"herald_greeting" has an invalid variable name/],
    ['herald_greeting a b c;', qr/invalid number of arguments in "herald_greeting"/],
    ['herald_keepalive soon;', qr/"herald_keepalive" has an invalid time "soon", it must be above 0 or "off"/],
    ['herald_keepalive 0;', qr/"herald_keepalive" has an invalid time "0"/],
    ['herald_keepalive -1s;', qr/"herald_keepalive" has an invalid time/],
    ['herald_keepalive off idle;', qr/"herald_keepalive" off takes no further parameter/],
    ['herald_keepalive 1s often;', qr/"herald_keepalive" knows idle, comment=, event= and data=, not "often"/],
    ['herald_keepalive 1s comment=a data=b;', qr/"herald_keepalive" is either a comment or an event, not both/],
    ['herald_keepalive 1s event=a;', qr/"herald_keepalive" event= needs data=/],
    ['herald_keepalive 1s idle idle;', qr/"herald_keepalive" has "idle" twice/],
    ["herald_keepalive 1s 'comment=a\nb';", qr/"herald_keepalive" comment must be one line/],
    ['herald_retry never;', qr/"herald_retry" has an invalid time "never"/],
    ['herald_retry 1s; herald_retry 2s;', qr/"herald_retry" is duplicate/],
    ['herald_ids maybe;', qr/invalid value "maybe" in "herald_ids" directive, it must be "on" or "off"/],
    ['herald_start yesterday;', qr/"herald_start" knows live, last, last=N, all and uri=URI, not "yesterday"/],
    ['herald_start last=0;', qr/"herald_start" last= needs a number above 0, not "0"/],
    ['herald_start last=x;', qr/"herald_start" last= needs a number above 0, not "x"/],
    ['herald_resume 1;', qr/invalid value "1" in "herald_resume" directive/],
    ['herald_buffer 1;', qr/"herald_buffer" has an invalid size "1", it must be at least 4k/],
    ['herald_buffer big;', qr/"herald_buffer" has an invalid size "big"/],
    ['herald_buffer 64k trim disconnect;', qr/"herald_buffer" is either trim or disconnect, not both/],
    ['herald_buffer 64k events=0;', qr/"herald_buffer" events= needs one number above 0, not "0"/],
    ['herald_buffer 64k drop;', qr/"herald_buffer" knows events=, trim and disconnect, not "drop"/],
    ['herald_drain 0;', qr/"herald_drain" has an invalid time "0"/],
    ['herald_drain 1s cut;', qr/"herald_drain" knows "abort", not "cut"/],
    ['herald_error_event "a$";', qr/"herald_error_event" has an invalid variable name/],
    ['herald_require_redis yes;', qr/invalid value "yes" in "herald_require_redis" directive/],
    ['herald_idle_timeout 1x;', qr/"herald_idle_timeout" has an invalid time "1x"/],
    ['herald_lifetime 1h always;', qr/"herald_lifetime" knows "jitter", not "always"/],
    ['herald_lifetime off jitter;', qr/"herald_lifetime" off takes no further parameter/],
    ['herald_subscribe a; herald_lifetime 1m; herald_idle_timeout 2m;',
        qr/"herald_idle_timeout" is longer than "herald_lifetime"/],
    ['herald_sidecar unix:/x;', qr/"herald_sidecar" directive is not allowed here/],
    ['return 200;', qr/"herald_sidecar" must be "unix:" and an absolute path, not "127.0.0.1:1"/, 'herald_sidecar 127.0.0.1:1;'],
    ['return 200;', qr/"herald_sidecar" must be "unix:" and an absolute path/, 'herald_sidecar unix:run/x;'],
    ['return 200;', qr/"herald_sidecar" has a path of 201 bytes/, 'herald_sidecar unix:/' . 'x' x 200 . ';'],
    ['return 200;', qr/"herald_sidecar" is duplicate/, 'herald_sidecar unix:/a; herald_sidecar unix:/b;'],
    ['herald_io_uring on;', qr/"herald_io_uring" directive is not allowed here/],
    ['return 200;', qr/invalid value "auto" in "herald_io_uring" directive, it must be "on" or "off"/, 'herald_io_uring auto;'],
    ['return 200;', qr/"herald_io_uring" directive is duplicate/, 'herald_io_uring on; herald_io_uring on;'],
);
for my $case (@wrong) {
    my ($location, $error, $http) = @$case;
    my ($code, $output) = nginx_t(conf($location, $http));
    isnt $code, 0, "refused: " . ($http || $location);
    like $output, $error, 'and told what is wrong';
}

for my $right (
    'herald_subscribe a b:$arg_x "c d";',
    'herald_subscribe *;',
    'herald_greeting off;',
    q(herald_greeting '{"a":"$uri","b":"${arg_b}"}';),
    'herald_keepalive off;',
    'herald_keepalive 500ms idle "comment=still here";',
    q(herald_keepalive 5s event=heartbeat 'data={"t":$msec}';),
    'herald_keepalive 5s data=ping;',
    'herald_retry off;',
    'herald_start last=10;',
    'herald_buffer 1m events=64 disconnect;',
    'herald_drain 1m abort;',
    'herald_lifetime 1h jitter;',
    'herald_idle_timeout 30s;',
    'herald_error_event error "{}";',
    'herald_subscribe a; if ($arg_x) { add_header X y; } limit_except GET { deny all; }',
) {
    my ($code, $output) = nginx_t(conf($right, 'herald_sidecar unix:/tmp/x.sock; herald_ids off;'));
    is $code, 0, "accepted: $right" or diag $output;
}

done_testing;

# Tokens over time: a stream ends with its token, a revocation cuts it and outlives restarts, keys change under load without one
# wrong refusal, ten thousand tokens end in the same second.

use strict;
use warnings;
use Test::More;
use Herald;
use Herald::Jwt;
use Time::HiRes ();

my $STREAMS = $ENV{HERALD_SANITIZE} ? 1_000 : 10_000;

my $secret = 'a-secret-of-at-least-32-bytes-1234567890';
my $dir = File::Temp->newdir;
my $keys = Herald::Jwt::Keys->new("$dir");
sub write_jwks {
    my @keys = @_;
    open my $file, '>', "$dir/keys.tmp" or die $!;
    print $file jwks(@keys);
    close $file or die $!;
    rename "$dir/keys.tmp", "$dir/keys.json" or die $!;
}
write_jwks($keys->jwk('rsa', kid => 'rsa'));

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML', env => { SECRET => $secret, KEYS => "$dir/keys.json" });
worker_processes 2;
worker_rlimit_nofile 16000;
events { worker_connections 12000; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    log_format life '$herald_close_reason $status';
    herald_issuer hs { secret env:SECRET; leeway 0s; }
    herald_issuer keys { jwks file:${KEYS}; }
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT2%% ssl http2;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        location ~ ^/jobs/(?<id>[^/]+)$ { herald_auth hs; herald_subscribe jobs:$id; }
        location = /check { herald_auth hs; try_files /none =204; }
        location = /keys { herald_auth keys; try_files /none =204; }
        location = /health { herald_health; }
        location = /status { herald_status; }
        access_log %%DIR%%/life.log life;
    }
}
CONF
%%SIDECAR%%
[ring]
size = "1M"
max_message = "64K"
[[feed]]
name = "jobs"
channels = "jobs:{id}"
TOML
wait_for(sub { $h->http(GET => '/health')->{status} == 200 }, 'the sidecar');

sub token { return jwt({ iat => time - 1, @_ }, secret => $secret) }
sub bearer { return { Authorization => "Bearer $_[0]" } }
sub check { return $h->http(GET => '/check', %{ bearer($_[0]) })->{status} }

# Waits until all workers give this answer: until it has come many times, one after the other.
sub settle {
    my ($answer, $expected, $what) = @_;
    my $times = 0;
    wait_for(sub { $times = $answer->() == $expected ? $times + 1 : 0; $times >= 30 }, $what);
}

# -- the end of a token is the end of its stream
{
    my $exp = time + 6;
    my $token = token(sub => 'u', exp => $exp);
    my $sse = $h->sse('/jobs/1', headers => bearer($token));
    my $ws = $h->ws('/jobs/1', headers => bearer($token));
    my $h2 = $h->curl_sse('https://localhost:' . $h->port('PORT2') . '/jobs/1', '--http2', '-H', "Authorization: Bearer $token");
    my $lasting = $h->sse('/jobs/1', headers => bearer(token(sub => 'u', exp => $exp + 3600)));
    my $endless = $h->sse('/jobs/1', headers => bearer(token(sub => 'u', exp => 1e18)));
    $h->redis_publish('jobs:1', '{"n":1}');
    is $_->next_event->{data}, '{"n":1}', 'a stream while the token lives' for $sse, $h2, $lasting, $endless;
    is $ws->next_text, '{"n":1}', 'over WebSocket, too';
    ok $_->ended(20), 'ends with the token' for $sse, $h2;
    cmp_ok Time::HiRes::time(), '>=', $exp - 1, 'not before';
    my $close = wait_close($ws);
    is_deeply $close, [3000, 'expired'], 'WebSocket with 3000';
    wait_for(sub { check($token) == 401 }, 'the token to be refused');
    $h->redis_publish('jobs:1', '{"n":2}');
    is $_->next_event->{data}, '{"n":2}', 'others go on' for $lasting, $endless;
}

sub wait_close {
    my ($ws) = @_;
    1 while defined $ws->next_text;
    return [@{ $ws->last_close || {} }{qw(code reason)}];
}
sub revoke { $h->redis_publish('herald:revoke', json_text($_[0])) }

# -- revocation
{
    my %token = map { $_ => token(sub => $_, jti => "jti-$_") } qw(a b c d);
    my %stream = map { $_ => $h->sse('/jobs/2', headers => bearer($token{$_})) } keys %token;
    my $ws = $h->ws('/jobs/2', headers => bearer($token{a}));
    revoke({ sub => 'a' });
    ok $stream{a}->ended, 'a revoked user loses the stream';
    is_deeply wait_close($ws), [3000, 'revoked'], 'over WebSocket with 3000';
    settle(sub { check($token{a}) }, 401, 'the token to be refused by both workers');
    revoke({ jti => 'jti-b' });
    ok $stream{b}->ended, 'a revoked token loses it';
    settle(sub { check($token{b}) }, 401, 'it to be refused');
    is check(token(sub => 'b', jti => 'other')), 204, 'the same user\'s other token is not';
    wait_for(sub { check(token(sub => 'a', iat => time)) == 204 }, 'one that is issued later to be taken');
    is check(jwt({ sub => 'a' }, secret => $secret)), 401, 'one without a time of issue is';
    revoke({ sub => 'c', before => time - 3600 });
    revoke({ sub => 'c', iss => 'https://another/' });
    revoke($_) for {}, [], { sub => 7 }, { sub => '' }, { jti => 'x', before => 'soon' }, 'd';
    $h->redis_publish('herald:revoke', 'no JSON');
    $h->redis_publish('jobs:2', '{"n":1}');
    is $stream{$_}->next_event->{data}, '{"n":1}', "$_ goes on" for qw(c d);
    is check($token{$_}), 204, "$_ is not refused" for qw(c d);

    for my $what ('the sidecar restarts', 'the sidecar is killed', 'nginx reloads', 'all start anew') {
        $h->restart_sidecar if $what eq 'the sidecar restarts';
        if ($what eq 'the sidecar is killed') { $h->kill_sidecar; $h->start_sidecar }
        $h->reload if $what eq 'nginx reloads';
        if ($what eq 'all start anew') {
            $h->stop_nginx; $h->stop_sidecar; $h->start_sidecar; $h->start_nginx;
        }
        is_deeply [map { check($token{$_}) } qw(a b c d)], [401, 401, 204, 204], "$what: what was revoked is refused";
    }
    wait_for(sub { $h->http(GET => '/health')->{status} == 200 }, 'the sidecar');
}

# -- keys change: a second key, both, the second alone. Tokens of a key that is there are never refused.
{
    my $old = jwt({ exp => time + 600 }, key => $keys->pem('rsa'), alg => 'RS256', kid => 'rsa');
    my $new = jwt({ exp => time + 600 }, key => $keys->pem('rsa2'), alg => 'RS256', kid => 'rsa2');
    my $status = sub { $h->http(GET => '/keys', %{ bearer($_[0]) })->{status} };
    is_deeply [map { $status->($_) } $old, $new], [204, 401], 'the first key alone';
    my %wrong;
    my $loaded = sub {    # asks until `done` says so; counts what is wrong meanwhile
        my ($right, $done) = @_;
        return wait_for(sub {
            $wrong{$_}++ for grep { $_ != 204 } map { $status->($right) } 1 .. 20;
            return $done->();
        }, 'the keys');
    };
    write_jwks($keys->jwk('rsa', kid => 'rsa'), $keys->jwk('rsa2', kid => 'rsa2'));
    my $settled = 0;
    $loaded->($old, sub { $settled = $status->($new) == 204 ? $settled + 1 : 0; $settled >= 30 });
    write_jwks($keys->jwk('rsa2', kid => 'rsa2'));
    $settled = 0;
    $loaded->($new, sub { $settled = $status->($old) == 401 ? $settled + 1 : 0; $settled >= 30 });
    is_deeply \%wrong, {}, 'no token of a key that is there was refused';

    open my $broken, '>', "$dir/keys.json" or die $!;
    print $broken '<html>not found</html>';
    close $broken or die $!;
    $h->wait_log('sidecar', qr/keys\.json.*keys\.json/s);
    is $status->($new), 204, 'what is no key set changes nothing';
    unlink "$dir/keys.json";
    is $status->($new), 204, 'nor does a file that is gone';
    $h->restart_sidecar;
    is $status->($new), 204, 'nor a sidecar that starts without it';
    write_jwks($keys->jwk('rsa', kid => 'rsa'));
    wait_for(sub { $status->($old) == 204 }, 'a file that is back');
    settle(sub { $status->($new) }, 401, 'a file that is back to be taken by both workers');
}

# -- many at once
{
    system("prlimit --pid $$ --nofile=12000:") == 0 or die 'prlimit';
    wait_for(sub { $h->http(GET => '/health')->{status} == 200 }, 'the sidecar');
    my $exp = time + ($STREAMS > 1000 ? 25 : 10);
    my $token = token(sub => 'many', exp => $exp);
    my @streams = map { $h->sse('/jobs/3', headers => bearer($token)) } 1 .. $STREAMS;
    is scalar(grep { $_->status == 200 } @streams), $STREAMS, "$STREAMS streams";
    my $before = $h->sse('/jobs/3', headers => bearer(token(sub => 'one')));
    is scalar(grep { $_->ended(60) } @streams), $STREAMS, 'end together';
    $h->redis_publish('jobs:3', '{"n":1}');
    is $before->next_event->{data}, '{"n":1}', 'and others do not notice';
    is check($token), 401, 'the token is over';
}

$h->stop_nginx;
my %reasons;
$reasons{$_}++ for split /\n/, $h->read_file('life.log');
cmp_ok $reasons{'expired 200'}, '>=', $STREAMS + 2 + 2, 'the log says why they ended';
$h->finish;
done_testing;

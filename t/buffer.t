# Subscribers that read too slowly: trimmed with a gap, or disconnected; never a burden for others.

use strict;
use warnings;
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    log_format herald '$uri $herald_transport $herald_gaps $herald_trimmed $herald_close_reason';
    access_log %%DIR%%/herald.log herald;
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=16k;
        location = /trim { herald_subscribe x:1; herald_buffer 32k trim; }
        location = /few { herald_subscribe x:1; herald_buffer 1m events=8; }
        location = /cut { herald_subscribe x:1; herald_buffer 32k disconnect; }
        location = /limited { herald_subscribe x:1; herald_buffer 32k; limit_rate 100k; }
        location = /status { herald_status; }
    }
    server {
        listen 127.0.0.1:%%PORT2%% ssl sndbuf=16k;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        location = /trim { herald_subscribe x:1; herald_buffer 32k; }
    }
}
CONF
%%SIDECAR%%
[[feed]]
name = "x"
channels = "x:{id}"
TOML

my $fast = $h->sse('/trim');
my %slow = (
    trim => $h->sse('/trim', rcvbuf => 4096),
    few => $h->sse('/few', rcvbuf => 4096),
    cut => $h->sse('/cut', rcvbuf => 4096),
    limited => $h->sse('/limited'),
    tls => $h->sse('/trim', rcvbuf => 4096, tls => 1, port => $h->port('PORT2')),
);
my $ws = $h->ws('/trim', rcvbuf => 4096, protocol => 'herald.v1');

my $count = 600;
my $fill = 'f' x 2000;
my @fast;
for my $n (1 .. $count) {
    $h->redis_publish('x:1', qq({"n":$n,"fill":"$fill"}));
    push @fast, $fast->next_event->{data} =~ /"n":(\d+)/;
}
is_deeply \@fast, [1 .. $count], 'whoever reads gets everything, whoever does not';

# Reads to the newest event; every number is there once, or inside a gap that was told.
sub account {
    my ($name, $next) = @_;
    my ($last, $gaps, $ok, $seq) = (0, 0, 1, undef);
    my ($from, $to);
    while ($last < $count) {
        my ($id, $data) = $next->();
        if ($data =~ /"reason":"trimmed","from":"[0-9a-f]{8}-(\d+)","to":"[0-9a-f]{8}-(\d+)"/) {
            ($from, $to) = ($1, $2);
            $ok &&= $from == ($seq // $from) && $to > $from;
            ++$gaps;
            $seq = $to;
            next;
        }
        my ($n) = $data =~ /"n":(\d+)/;
        my ($this) = $id =~ /-(\d+)/;
        $ok &&= $this == $seq + 1 if defined $seq;
        ($seq, $last) = ($this, $n);
    }
    ok $ok, "$name: everything is there or inside a gap";
    return $gaps;
}
for my $name (qw(trim few limited tls)) {
    my $gaps = account($name, sub { my $event = $slow{$name}->next_event; ($event->{id}, $event->{data}) });
    cmp_ok $gaps, '>=', 1, "$name: and there was a gap";
}
my $gaps = account('websocket', sub { my $text = $ws->next_text; my ($id) = $text =~ /"id":"([^"]+)"/; ($id, $text) });
cmp_ok $gaps, '>=', 1, 'websocket: and there was a gap';

is $slow{cut}->ended, 'cut', 'disconnect cuts the connection';
my @got = map { $slow{cut}{text} =~ /"n":(\d+)/g } 1;
my $log = wait_for(sub { my $text = $h->read_file('herald.log'); $text =~ m{/cut} && $text }, 'the log');
like $log, qr{^/cut sse 0 0 slow$}m, 'the log says slow';

# A stream that was trimmed goes on.
$h->redis_publish('x:1', '{"n":9999}');
is $slow{trim}->next_event->{data}, '{"n":9999}', 'a trimmed stream goes on';
$slow{trim}->close;
$log = wait_for(sub { my $text = $h->read_file('herald.log'); $text =~ m{^/trim}m && $text }, 'the log');
my ($logged, $trimmed) = $log =~ m{^/trim sse (\d+) (\d+) client$}m;
cmp_ok $trimmed, '>=', 100, 'the log counts what was trimmed';
my ($held) = $h->http(GET => '/status')->{body} =~ /"held_bytes":(\d+)/;
cmp_ok $held, '<=', 6 * 3 * 32 * 1024, 'frames are held for no longer than somebody may get them';

$h->finish;
done_testing;

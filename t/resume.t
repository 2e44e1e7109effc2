# Resuming past the ring: from the index, in pieces, meeting the live stream without gap or repeat.

use strict;
use warnings;
use JSON::PP;
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
worker_processes 2;
events { worker_connections 1024; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%% reuseport;  # both workers get some
        location ~ ^/s/(.+)$ { herald_subscribe x:$1; herald_keepalive 200ms; }
        location ~ ^/all/(.+)$ { herald_subscribe x:$1; herald_start all; }
        location ~ ^/last/(.+)$ { herald_subscribe x:$1; herald_start last=1500; }
        location = /mixed { herald_subscribe x:m short:m; herald_start all; }
        location = /short { herald_subscribe short:m; herald_start last=100; }
        location = /two { herald_subscribe x:a x:b; herald_start all; }
        location = /status { herald_status; }
        location = /health { herald_health; }
    }
}
CONF
%%SIDECAR%%
[ring]
size = "64K"
[[feed]]
name = "x"
channels = "x:{id}"
[[feed]]
name = "short"
channels = "short:{id}"
max_events = 10
TOML

my %last;
sub publish { my ($channel, $n) = @_; $h->redis_publish("x:$channel", sprintf '{"n":%d,"fill":"%s"}', $n, 'f' x 150) }

# A stream of every worker, by which to see that it has read the ring up to there: it holds 200 events, and a busy machine may
# keep a worker from it for longer than publishing them takes.
my @beacons;
do { push @beacons, $h->sse('/s/beacon'); $beacons[-1]->next_block } until workers_with_streams() == 2;
sub workers_with_streams { scalar grep { $_->{sse} > 0 } @{ decode_json($h->http(GET => '/status')->{body})->{workers} } }
sub await_workers { publish(beacon => 0); $_->next_event for @beacons }

sub more {
    my ($channel, $count) = @_;
    for my $n (1 .. $count) {
        publish($channel, ++$last{$channel});
        await_workers() if $n % 50 == 0 || $n == $count;
    }
}
sub numbers { map { $_->{data} =~ /"n":(\d+)/ ? $1 : "$_->{event}:$_->{data}" } @_ }
sub in_order { my ($first, $last, @got) = @_; return "@got" eq "@{[$first .. $last]}" }

my $live = $h->sse('/s/a');
$live->next_block;
more(a => 3000);
my @events = $live->events(3000);
ok in_order(1, 3000, numbers(@events)), 'live: 3,000 events through a ring that holds 200';
my %id = map { $_ + 1 => $events[$_]{id} } 0 .. $#events;

ok in_order(11, 3000, numbers($h->sse('/s/a', headers => { 'Last-Event-ID' => $id{10} })->events(2990))),
    'a resume from long before the ring';
ok in_order(1, 3000, numbers($h->sse('/all/a')->events(3000))), 'herald_start all';
ok in_order(1501, 3000, numbers($h->sse('/last/a')->events(1500))), 'herald_start last=1500';

# Between the index and the live stream, while events pour in.
my @clients = map { $h->sse('/s/a', headers => { 'Last-Event-ID' => $id{ $_ * 40 } }) } 1 .. 50;
more(a => 1000);
my $wrong = 0;
for my $i (1 .. 50) {
    my @got = numbers($clients[$i - 1]->events(4000 - 40 * $i));
    ++$wrong unless in_order(40 * $i + 1, 4000, @got);
}
is $wrong, 0, '50 clients that resume while events pour in: each gets everything once';
more(a => 5);
is scalar(grep { !in_order(4001, 4005, numbers($_->events(5))) } @clients), 0, 'and is live then';

# Two channels, in the order of their ids.
more(b => 500);
more(a => 500);
my @both = $h->sse('/two')->events(5005);
my @seqs = map { $_->{id} =~ /-(\d+)$/ } @both;
ok !(grep { $seqs[$_] <= $seqs[$_ - 1] } 1 .. $#seqs), 'two channels: in one order';
is scalar(grep { $_->{event} } @both), 0, 'without a gap';

# Of two channels one keeps little: the gap that says so hides nothing of the other.
for my $n (1 .. 60) {
    $h->redis_publish('x:m', qq({"n":$n}));
    $h->redis_publish('short:m', qq({"s":$n}));
    await_workers() if $n % 20 == 0;
}
more(b => 500);
my $mixed = $h->sse('/mixed');
my @mixed = $mixed->events(71);
is $mixed[0]{event}, 'gap', 'a channel that keeps little: a gap';
ok in_order(1, 60, map { $_->{data} =~ /"n":(\d+)/ } @mixed), 'which hides nothing of the one that keeps all';
is_deeply [map { $_->{data} =~ /"s":(\d+)/ } @mixed], [51 .. 60], 'and what is kept is there';
my $behind = $h->sse('/mixed', headers => { 'Last-Event-ID' => $mixed[0]{id} });
is scalar(grep { !$_->{event} } $behind->events(71)), 70, 'the id of that gap loses nothing either';
is_deeply [map { $_->{data} =~ /"s":(\d+)/ } $h->sse('/short')->events(10)], [51 .. 60], 'last=N says nothing of what was before';

# A slow client: at its own pace.
my $slow = $h->sse('/all/a', rcvbuf => 4096);
more(a => 2000);
ok in_order(1, 6505, numbers($slow->events(6505))), 'a slow client gets everything, too';

# A channel that was never there, after the ring has wrapped.
my $empty = $h->sse('/all/nothing');
$empty->next_block;
more(nothing => 1);
is_deeply [numbers($empty->next_event)], [1], 'a channel without a past: no gap, just what comes';

# Ids that are not known.
for my $case (['0a0b0c0d-7', 'unknown_id'], ['nonsense', 'unknown_id'], [$id{1} =~ s/-.*/-999999999/r, 'unknown_id']) {
    my $sse = $h->sse('/s/a', headers => { 'Last-Event-ID' => $case->[0] });
    my $gap = $sse->next_event;
    is $gap->{event}, 'gap', "$case->[0]: first a gap";
    like $gap->{data}, qr/"reason":"$case->[1]"/, 'that says why';
    ok in_order(1, 6505, numbers($sse->events(6505))), 'then all there is';
}

# The sidecar goes in the middle of it, and comes back.
my @resuming = map { $h->sse('/all/a', rcvbuf => 4096) } 1 .. 10;
$_->next_event for @resuming;
$h->kill_sidecar(9);
my $waiting = $h->sse('/s/a', headers => { 'Last-Event-ID' => $id{10} });
is $waiting->next_comment, 'keepalive', 'without a sidecar a resume waits, and lives';
$h->start_sidecar;
sub skip_redis_gap { grep { !(($_->{event} // '') eq 'gap' && $_->{data} =~ /"reason":"redis"/) } @_ }
publish(a => 6506);
for my $sse (@resuming, $waiting) {
    my @got;
    push @got, numbers(skip_redis_gap($sse->next_event)) until @got && $got[-1] eq '6506';
    my $first = $sse == $waiting ? 11 : 2;
    is_deeply [@got[0, -1], scalar @got], [$first, 6506, 6506 - $first + 1], 'resumed through the death of the sidecar';
}

$h->finish;
done_testing;

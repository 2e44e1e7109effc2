# The sidecar dies at every step by which events become durable, again and again. Whatever a client saw is in the
# journal, and in the files and the index, once and in order.

use strict;
use warnings;
use Test::More;
use Herald;

my $faulty = ($ENV{HERALD_BUILD} || 'build') . '/tests/fault/herald_faulty';
plan skip_all => "no $faulty in this build" unless -x $faulty;

my $h = Herald->new(sidecar => 0, program => $faulty, conf => <<'CONF', toml => <<'TOML');
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /live { herald_subscribe k:0 k:1 k:2 k:3; }
        location ~ ^/all/(.+)$ { herald_subscribe k:$1; herald_start all; }
    }
}
CONF
%%SIDECAR%%
[ring]
size = "64K"
[journal]
segment = "128K"
[[feed]]
name = "k"
channels = "k:{id}"
jsonl = "k/{id}.jsonl"
TOML

my @steps = qw(
    commit.begin journal.before_write journal.half_written journal.written journal.rotated journal.synced
    commit.journaled ring.appended commit.shown commit.rung
    index.applied index.committed
    jsonl.intended jsonl.half_appended jsonl.appended jsonl.checkpointed);

my $n = 0;
sub publish { ++$n; $h->redis_publish('k:' . $n % 4, sprintf '{"n":%d,"fill":"%s"}', $n, 'f' x 100) }

my (@seen, $client);
sub follow { my $event = shift; push @seen, [$event->{id}, $event->{data}] unless ($event->{event} // '') eq 'gap' }

$h->start_sidecar;
$client = $h->sse('/live');
$client->next_block;
publish() for 1 .. 10;
follow($_) for $client->events(10);

my $sidecar = $h->process('sidecar');
for my $step (@steps) {
    for my $nth ($step =~ /^jsonl/ ? (1, 2) : (1, 2, 7)) {
        $h->kill_sidecar(9);
        $sidecar->{env}{HERALD_DIE_AT} = "$step:$nth";
        $sidecar->start;
        # Until it is dead: it may die before it has said that it is ready.
        $h->wait_for(sub { publish() for 1 .. 20; !$sidecar->alive }, "the sidecar to die at $step:$nth");
        delete $sidecar->{env}{HERALD_DIE_AT};
        $h->start_sidecar;
        my $before = $n;
        publish() for 1 .. 5;
        my $last = $n;
        while (1) {
            my $event = $client->next_event // die "the stream has ended\n";
            follow($event);
            last if $event->{data} =~ /"n":$last\b/;
        }
        pass "$step:$nth";
    }
}

my @journal;    # [id, channel, data]
my $last_seq = 0;
my $disorder = 0;
for my $segment (sort { ($a =~ /-(\d+)\.jsonl/)[0] <=> ($b =~ /-(\d+)\.jsonl/)[0] } glob $h->path('state/journal/*.jsonl')) {
    for (split /\n/, Herald::Process::slurp($segment)) {
        my ($id, $seq, $rest) = /^\{"id":"([0-9a-f]{8}-(\d+))","at":"[^"]+",(.*)\}$/ or die "no line: $_";
        ++$disorder if $seq <= $last_seq;
        $last_seq = $seq;
        push @journal, [$id, $1, $2] if $rest =~ /^"channel":"([^"]+)","data":(.*)$/;
    }
}
is $disorder, 0, 'the journal has each id once, in order';
my $start = $seen[0][0];
my @due = map { [@$_[0, 2]] } @journal;
shift @due while @due && $due[0][0] ne $start;
is scalar(@seen), scalar(@due), 'the client saw as many events as the journal has';
is_deeply \@seen, \@due, 'the very same, each once, in order';

for my $k (0 .. 3) {
    my @data = map { $_->[2] } grep { $_->[1] eq "k:$k" } @journal;
    my $file = "state/k/$k.jsonl";
    $h->wait_for(sub { (() = $h->read_file($file) =~ /\n/g) >= @data }, "all lines of $file");
    ok $h->read_file($file) eq join('', map { "$_\n" } @data), "$file: the same, once, in order";
    my @all = grep { ($_->{event} // '') ne 'gap' } map { $_->{data} =~ /gap/ ? () : $_ } past($k, scalar @data);
    ok join("\n", map { $_->{data} } @all) eq join("\n", @data), "and so says the index for k:$k";
}

sub past {
    my ($k, $count) = @_;
    my $sse = $h->sse("/all/$k");
    my @events;
    while (@events < $count) {
        my $event = $sse->next_event;
        push @events, $event unless ($event->{event} // '') eq 'gap';
    }
    return @events;
}

$h->finish;
done_testing;

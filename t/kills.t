# A hundred kill -9 of the sidecar, at moments that nobody chose, while events pour in: clients that stay and clients
# that come back see what the journal has, each event once, in order, and are told where something may be missing.

use strict;
use warnings;
use Test::More;
use Herald;

my $kills = $ENV{HERALD_KILLS} || 100;
my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /s { herald_subscribe x:1; }
    }
}
CONF
%%SIDECAR%%
[ring]
size = "64K"
[[feed]]
name = "x"
channels = "x:{id}"
jsonl = "x/{id}.jsonl"
TOML

my $seed = $ENV{HERALD_SEED} || time;
srand $seed;
diag "HERALD_SEED=$seed" if $ENV{HERALD_SEED};

my $n = 0;
sub publish { $h->redis_publish('x:1', sprintf '{"n":%d,"fill":"%s"}', ++$n, 'f' x int rand 300) }

# Reads up to the number `last`; keeps [id, n], and the gaps by the id they end at.
package Client {
    sub new { my ($class) = @_; return bless({ seen => [], gaps => 0 }, $class)->connect }
    sub connect {
        my $self = shift;
        $self->{sse} = $h->sse('/s', headers => { $self->{id} ? ('Last-Event-ID' => $self->{id}) : () });
        $self->{sse}->next_block;
        return $self;
    }
    sub read_to {
        my ($self, $last) = @_;
        while (1) {
            my $event = $self->{sse}->next_event // die "the stream has ended\n";
            $self->{id} = $event->{id};
            ++$self->{gaps}, next if ($event->{event} // '') eq 'gap';
            my ($n) = $event->{data} =~ /"n":(\d+)/;
            push @{ $self->{seen} }, "$event->{id} $n";
            return if $n >= $last;
        }
    }
}

package main;

my $stays = Client->new;
my $returns = Client->new;
publish();
$_->read_to($n) for $stays, $returns;
my $silent = 0;
for my $kill (1 .. $kills) {
    my $gaps = $stays->{gaps};
    my $before = $n;
    publish() for 1 .. 1 + int rand 120;
    $h->kill_sidecar(9);
    publish() for 1 .. int rand 5;    # nobody listens
    $returns->{sse}->close if $kill % 2;
    $h->start_sidecar;
    $returns->connect if $kill % 2;
    publish() for 1 .. 1 + int rand 10;
    $_->read_to($n) for $stays, $returns;
    ++$silent if $stays->{gaps} == $gaps;
}

my (@journal, %twice);
for my $segment (sort glob $h->path('state/journal/*.jsonl')) {
    push @journal, map { /^\{"id":"([^"]+)".*"channel":"x:1","data":(\{"n":(\d+).*\})\}$/ ? [$1, $3, $2] : () }
        split /\n/, Herald::Process::slurp($segment);
}
my @due = map { "$_->[0] $_->[1]" } @journal;
is_deeply $stays->{seen}, \@due, "$kills kills: who stayed saw what the journal has, each once, in order";
is_deeply $returns->{seen}, \@due, 'who came back, too';
is $silent, 0, 'each time it was said that something may be missing';
is scalar(grep { $twice{ $_->[0] }++ } @journal), 0, 'no id was given twice';
my $lines = join '', map { "$_->[2]\n" } @journal;
$h->wait_for(sub { length $h->read_file('state/x/1.jsonl') >= length $lines }, 'the file');
ok $h->read_file('state/x/1.jsonl') eq $lines, 'and the file has the same, once, in order';

$h->finish;
done_testing;

# Streams that end: the event that ends them, the end event, a clean end; and what those get who come back or come late.

use strict;
use warnings;
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
events { worker_connections 1024; }
http {
    %%TEMP_PATHS%%
    log_format herald '$uri $status $herald_transport $herald_close_reason $herald_events_sent';
    access_log %%DIR%%/herald.log herald;
    herald_sidecar unix:%%SOCKET%%;
    herald_end_event stream_end '{"type":"stream_end","reason":"$herald_event"}';
    server {
        listen 127.0.0.1:%%PORT%%;
        location ~ ^/live/(.+)$ { herald_subscribe run:$1; herald_greeting hi '{"last":"$herald_event"}'; }
        location ~ ^/all/(.+)$ { herald_subscribe run:$1; herald_start all; }
        location ~ ^/again/(.+)$ { herald_subscribe run:$1; herald_ended replay; }
        location ~ ^/bare/(.+)$ { herald_subscribe run:$1; herald_end_event off; }
        location ~ ^/two/(.+)/(.+)$ { herald_subscribe run:$1 run:$2; }
        location ~ ^/noise/(.+)$ { herald_subscribe noise:$1; herald_start last; }
    }
}
CONF
%%SIDECAR%%
[ring]
size = "64K"
[[feed]]
name = "run"
channels = "run:{id}"
event = "type"
rename = { "run.done" = "done" }
end_on = ["run.done", "failed"]
[[feed]]
name = "noise"
channels = "noise:{id}"
TOML

sub event { my ($channel, $type, $n) = @_; $h->redis_publish("run:$channel", qq({"type":"$type","n":$n})) }
sub run { my ($channel) = @_; event($channel, 'step', $_) for 1 .. 3; event($channel, 'run.done', 4) }
sub names { map { ($_->{event} // '') . ($_->{data} =~ /"n":(\d+)/ ? $1 : '') } @_ }
sub rest { my ($sse) = @_; my @events; while (my $event = $sse->next_event) { push @events, $event } return @events }

# Pushes everything else out of the ring, one by one, so that none of it overtakes the worker.
sub flood {
    my $probe = $h->sse('/noise/' . ++$main::floods);
    for (1 .. 100) {
        $h->redis_publish("noise:$main::floods", '"' . 'x' x 1000 . '"');
        $probe->next_event;
    }
}

my @whole = qw(step1 step2 step3 done4 stream_end);

# -- live
my $live = $h->sse('/live/a');
is $live->next_event->{data}, '{"last":""}', 'the greeting: no event has ended it';
my $bare = $h->sse('/bare/a');
$bare->next_block;
my $other = $h->sse('/live/b');
$other->next_event;
run('a');
my @events = rest($live);
is_deeply [names(@events)], \@whole, 'the event that ends it, then the end event';
is $events[-1]{data}, '{"type":"stream_end","reason":"done"}', 'which knows the name of the event';
is $live->ended, 'clean', 'then a clean end';
my ($end_id) = $events[3]{id};
is_deeply [names(rest($bare))], [@whole[0 .. 3]], 'without an end event: just the end';
event('b', 'step', 1);
is_deeply [names($other->next_event)], ['step1'], 'other channels go on';
$h->wait_for(sub { $h->read_file('herald.log') =~ m{^/live/a 200 sse ended 4$}m }, 'the log line');
pass 'the log says ended';

# -- who comes back
my @behind = (headers => { 'Last-Event-ID' => $end_id });
my $back = $h->http(GET => '/live/a', 'Last-Event-ID' => $end_id);
is $back->{status}, 204, 'at the end: 204';
is $back->{body}, '', 'and nothing else';
is $h->http(GET => "/live/a?last_event_id=$end_id")->{status}, 204, 'likewise by the argument';
is_deeply [names(rest($h->sse('/live/a', headers => { 'Last-Event-ID' => $events[1]{id} })))],
    ['hi', @whole[2 .. 4]], 'before the end: what is missing, and the end';
is_deeply [names(rest($h->sse('/all/a')))], \@whole, 'a late joiner with herald_start all gets the whole run';
is_deeply [names(rest($h->sse('/again/a', @behind)))], \@whole, 'herald_ended replay gives it all again';

# -- WebSocket
my $ws = $h->ws('/live/w');
is $ws->next_text, '{"last":""}', 'WebSocket: open';
run('w');
my @texts;
while (defined(my $text = $ws->next_text)) { push @texts, $text }
is $texts[-1], '{"type":"stream_end","reason":"done"}', 'the end event comes last';
is scalar @texts, 5, 'behind all others';
is $ws->last_close->{code}, 1000, 'closed with 1000';
is $ws->last_close->{reason}, 'ended', 'and why';
my $again = $h->ws("/live/a?last_event_id=$end_id");
is $again->next_text, undef, 'one that comes back at the end gets nothing';
is $again->last_close->{code}, 1000, 'but 1000';

# -- a channel that goes on after its end
my $probe = $h->sse('/bare/a');
$probe->next_block;
event('a', 'step', 5);
$probe->next_event;    # the worker has it
my $on = $h->sse('/live/a', @behind);
is_deeply [names($on->events(2))], ['hi', 'step5'], 'what came after the end is there for who comes back';
event('a', 'failed', 6);
is_deeply [names(rest($on))], ['failed6', 'stream_end'], 'until it ends again';

# -- several channels
my $two = $h->sse('/two/x/y');
$two->next_block;
event('y', 'step', 1);
event('x', 'run.done', 2);
is_deeply [names(rest($two))], ['step1', 'done2', 'stream_end'], 'the end of one channel is the end of the stream';

# -- in numbers, and slow ones
my @many = map { $h->sse('/live/many') } 1 .. 200;
$_->next_event for @many;
my $slow = $h->sse('/live/many', rcvbuf => 4096);
$slow->next_event;
$h->redis_publish('run:many', '{"type":"step","n":1,"fill":"' . 'f' x 12000 . '"}') for 1 .. 4;
event('many', 'run.done', 9);
is scalar(grep { my @got = names(rest($_)); "@got[-2, -1]" ne 'done9 stream_end' || @got != 6 } @many), 0,
    '200 streams end with everything they are due';
is scalar(rest($slow)), 6, 'a slow one, too';
is $slow->ended, 'clean', 'cleanly';

# -- past the ring
run('old');
flood();
my @old = rest($h->sse('/all/old'));
is_deeply [names(@old)], \@whole, 'a run that the ring has lost comes from the index';
is $h->http(GET => '/live/old', 'Last-Event-ID' => $old[3]{id})->{status}, 204, 'its end is known there';
is_deeply [names(rest($h->sse('/live/old', headers => { 'Last-Event-ID' => $old[0]{id} })))],
    ['hi', @whole[1 .. 4]], 'and what is before it';
is $h->ws("/live/old?last_event_id=$old[3]{id}")->next_text, undef, 'WebSocket likewise';

for my $bad (['herald_ended maybe;', qr/"herald_ended" knows 204 and replay, not "maybe"/],
    ['herald_ended 204; herald_ended 204;', qr/"herald_ended" is duplicate/]) {
    my ($code, $output) = nginx_t("events {} http { server { listen 127.0.0.1:%%PORT%%; $bad->[0] } }");
    isnt $code, 0, "nginx -t refuses $bad->[0]";
    like $output, $bad->[1], 'and says why';
}

$h->finish;
done_testing;

# Searches in herald_history: what they find, how they go on, and what is no search.

use strict;
use warnings;
use JSON::PP qw(decode_json);
use Test::More;
use Herald;

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
worker_processes 2;
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location ~ ^/jobs/(?<id>[^/]+)/stream$ { herald_subscribe jobs:$id; herald_start all; }
        location ~ ^/jobs/(?<id>[^/]+)/events$ { herald_history jobs:$id; }
        location ~ ^/named/(?<id>[^/]+)/stream$ { herald_subscribe named:$id; herald_start all; }
        location = /named { herald_history named:1; }
        location = /status { herald_status; }
    }
}
CONF
%%SIDECAR%%
[[feed]]
name = "jobs"
channels = "jobs:{job_id}"
event = "type"
time = "ts"
[[feed]]
name = "named"
channels = "named:{id}"
event = "kind"
TOML

sub poll {
    my ($path, @headers) = @_;
    my $answer = $h->http(GET => $path, @headers);
    my $body = $answer->{status} == 304 ? {} : decode_json($answer->{body});
    return { %$body, status => $answer->{status}, raw => $answer->{body}, tag => $answer->{headers}{etag} };
}
sub numbers { return [map { $_->{n} } @{ $_[0]{events} }] }

# The numbers that a search finds in job 1.
sub found { return numbers(poll("/jobs/1/events?$_[0]")) }

# All that it finds who goes on until there is no more; and in how many answers.
sub found_on {
    my ($path, $forward) = @_;
    my ($on, @found) = ('');
    for my $answers (1 .. 100) {
        my $page = poll($path . $on);
        @found = $forward ? (@found, @{ numbers($page) }) : (@{ numbers($page) }, @found);
        return (\@found, $answers) unless $page->{has_more};
        $on = $forward ? "&after=$page->{last_event_id}" : "&before=$page->{next_before}";
    }
}

# Publishes lines on a channel, and waits until a stream has shown the last; returns the ids.
sub publish {
    my ($channel, @events) = @_;
    my $sse = $h->sse('/' . $channel =~ tr{:}{/}r . '/stream');
    $h->redis_publish($channel, $_) for @events;
    my @ids;
    while (my $event = $sse->next_event) {
        push @ids, $event->{id} if $event->{id};
        return @ids if @ids == @events;
    }
}

my $n = 0;
sub event {
    my ($type, $stage, $status, $message) = @_;
    my $ts = sprintf '2026-11-21T10:00:%02dZ', ++$n;
    return sprintf '{"ts": "%s", "type": "%s", "stage": %s, "status": "%s", "message": "%s", "payload": {"message": "hidden"}, "n": %d}',
        $ts, $type, defined $stage ? qq("$stage") : 'null', $status, $message, $n;
}
my @ids = publish('jobs:1',
    event('job_created',     undef,    'running',   'Job created'),                       # 1
    event('stage_started',   'script', 'running',   'Script: started'),                   # 2
    event('stage_completed', 'script', 'completed', 'Script: done, 100% \u00c4rger+more'),  # 3
    event('stage_started',   'assets', 'running',   'Assets: started'),                   # 4
    event('stage_failed',    'assets', 'failed',    'OUT OF MEMORY in \"render\"'),       # 5
    event('job_failed',      undef,    'failed',    'Job failed'),                        # 6
);

# -- members
is_deeply found('type=stage_started'), [2, 4], 'type=';
is_deeply found('type=stage_started&type=stage_failed'), [2, 4, 5], 'repeated ones are alternatives';
is_deeply found('stage=assets'), [4, 5], 'stage=';
is_deeply found('status=failed'), [5, 6], 'status=';
is_deeply found('stage=assets&status=failed'), [5], 'several hold all';
is_deeply found('type=stage'), [], 'a part of a type is no type';
is_deeply found('TYPE=stage_started'), [2, 4], 'the names of arguments are alike in either case';
is_deeply found('type=Stage_started'), [], 'values are not';
is_deeply found('type=&stage='), [1 .. 6], 'empty ones are none';

# -- the message
is_deeply found('q=started'), [2, 4], 'q= is a part of the message';
is_deeply found('q=out+of+memory'), [5], 'in either case, and with the spaces of a form';
is_deeply found('q=out%20of'), [5], 'or of a script';
is_deeply found('q=%22RENDER%22'), [5], 'decoded on either side';
is_deeply found('q=100%25'), [3], 'a percent sign';
is_deeply found('q=%2Bmore'), [3], 'a plus';
is_deeply found('q=%C3%84rger'), [3], 'UTF-8';
is_deeply found('q=hidden'), [], 'at the top level alone';
is_deeply found('q=job&status=failed'), [6], 'with others';
is_deeply found('q=' . 'x' x 256), [], 'up to 256 bytes';

# -- times
is_deeply found('until=2026-11-21T10:00:03Z'), [1 .. 3], 'until is inclusive';
is_deeply found('until=2026-11-21T10:00:02.999Z'), [1, 2], 'to the microsecond';
is_deeply found('since=2026-11-21T10:00:02Z&until=2026-11-21T10:00:04Z'), [3, 4], 'since is not';
is_deeply found('until=2026-11-21T11:00:03+01:00&limit=2'), [2, 3], 'the newest of them';
is_deeply found('until=' . (1795255200 + 2)), [1, 2], 'epoch seconds';
is_deeply found("after=$ids[0]&type=stage_started&limit=1"), [2], 'behind an id';
is_deeply found("before=$ids[3]&limit=2"), [2, 3], 'before an id';
is_deeply found("after=$ids[0]&before=$ids[3]"), [2, 3], 'between two';
is_deeply found("before=$ids[0]"), [], 'before the first there is nothing';

# -- how to go on
my $page = poll('/jobs/1/events?type=stage_started&limit=1');
is_deeply numbers($page), [4], 'a limit takes the newest that are found';
ok $page->{has_more}, 'there is more';
is $page->{next_before}, $ids[3], 'before this one';
$page = poll("/jobs/1/events?type=stage_started&limit=1&before=$page->{next_before}");
is_deeply numbers($page), [2], 'which gives the next';
$page = poll("/jobs/1/events?type=stage_started&after=$ids[0]");
is_deeply numbers($page), [2, 4], 'forward';
is $page->{last_event_id}, $ids[5], 'one goes on behind what was looked at';
ok !exists $page->{next_before}, 'and not before anything';
is poll("/jobs/1/events?type=x&after=$ids[5]")->{last_event_id}, undef, 'which is nothing where there was nothing';
like poll('/jobs/1/events')->{raw}, qr/"has_more":false,"last_event_id":"$ids[5]","since":null,"timestamp":[\d.]+\}\z/,
    'what is no search looks as ever';

# -- types of events that have no `type`
publish('named:1', '{"kind":"a","event_type":"b","n":1}', '{"kind":"a","n":2}', '{"type":"c","event_type":"b","n":3}', '7');
is_deeply numbers(poll('/named?type=b')), [1], 'event_type where there is no type';
is_deeply numbers(poll('/named?type=a')), [2], 'the name where there is neither';
is_deeply numbers(poll('/named?type=c')), [3], 'type before all';

# -- ETag
my $tag = poll('/jobs/1/events?type=job_failed&q=job')->{tag};
like $tag, qr{^W/"}, 'a search has a tag';
is poll('/jobs/1/events?q=job&type=job_failed', 'If-None-Match' => $tag)->{status}, 304, 'the same search is unmodified';
for my $other ('', '?type=job_failed', '?type=job_failed&q=jo', '?stage=job_failed&q=job', '?type=job_failed&q=job&status=failed',
    "?type=job_failed&q=job&before=$ids[5]", '?type=job_failed&q=job&until=1795255200') {
    is poll("/jobs/1/events$other", 'If-None-Match' => $tag)->{status}, 200, "'$other' is another answer";
}
publish('jobs:2', event('job_failed', undef, 'failed', 'Job failed'));
is poll('/jobs/1/events?type=job_failed&q=job', 'If-None-Match' => $tag)->{status}, 304, 'other channels change nothing';

# -- what is no search
my $long = 'x' x 257;
my %detail = (
    'until=tomorrow'   => q(Invalid 'until' timestamp format. Use ISO 8601 format.),
    'before=42'        => q(Invalid 'before': expected an event id such as 7f3a2c01-42.),
    'before=00000000-1' => q(Invalid 'before': the id is of another log. Start again without it.),
    "q=$long"          => q(Invalid 'q': expected 1 to 256 bytes of UTF-8.),
    'q=%ff'            => q(Invalid 'q': expected 1 to 256 bytes of UTF-8.),
    "type=$long"       => q(Invalid 'type': expected at most 16 of up to 256 bytes of UTF-8 each.),
    "stage=a&stage=%c3" => q(Invalid 'stage': expected at most 16 of up to 256 bytes of UTF-8 each.),
    join('&', map {"status=$_"} 1 .. 17) => q(Invalid 'status': expected at most 16 of up to 256 bytes of UTF-8 each.),
);
for my $query (sort keys %detail) {
    my $bad = poll("/jobs/1/events?$query");
    is $bad->{status}, 400, substr($query, 0, 30) . ' is refused';
    is $bad->{detail}, $detail{$query}, '  and why';
}

# -- a channel with more than one answer looks at
my $many = 21_000;
my $shown = $h->sse('/jobs/many/stream');
$h->redis_cmd('EVAL', <<'LUA', 0, $many);
for i = 1, ARGV[1] do
    local type = i % 5000 == 1 and 'rare' or 'common'
    redis.call('PUBLISH', 'jobs:many', '{"ts":"2026-11-21T10:00:00Z","type":"' .. type .. '","n":' .. i .. '}')
end
redis.call('PUBLISH', 'jobs:many', '{"ts":"2026-11-21T11:00:00Z","type":"last","n":0}')
LUA
while (my $event = $shown->next_event) {
    last if $event->{data} =~ /"last"/;
}
$page = poll('/jobs/many/events?type=rare');
is $page->{status}, 200, 'is answered';
is_deeply numbers($page), [15001, 20001], 'with what was found in the newest 10,000';
ok $page->{has_more}, 'and that there is more';
my ($found, $answers) = found_on('/jobs/many/events?type=rare');
is_deeply $found, [1, 5001, 10001, 15001, 20001], 'who goes on finds all of it';
is $answers, 3, 'in three answers';
($found, $answers) = found_on('/jobs/many/events?type=rare&since=2026-11-21T09:00:00Z', 1);
is_deeply $found, [1, 5001, 10001, 15001, 20001], 'also forward';
is $answers, 3, 'in three';
($found, $answers) = found_on('/jobs/many/events?type=rare&limit=2&since=2026-11-21T09:00:00Z', 1);
is_deeply $found, [1, 5001, 10001, 15001, 20001], 'with a limit, too';
($found, $answers) = found_on('/jobs/many/events?q=nothing');
is_deeply $found, [], 'who searches for nothing that is there finds nothing';
is $answers, 3, 'and comes to the end';
is_deeply numbers(poll('/jobs/many/events?type=last')), [0], 'what is new is found at once';

# -- a restarted sidecar
sub wait_attached {
    my $count = shift;
    wait_for(sub { $count == (() = $h->http(GET => '/status')->{body} =~ /"attached":1/g) }, "$count attached workers");
}
$h->kill_sidecar;
wait_attached(0);
$h->start_sidecar;
wait_attached(2);
is_deeply found('type=stage_started&q=assets'), [4], 'searches survive the sidecar';

$h->finish;
done_testing;

# Webhooks: events are posted, signed, to receivers that answer, fail, hang, ask for patience or are gone; what a crash
# interrupts is sent again, and what cannot be delivered is kept.

use strict;
use warnings;
use Test::More;
use Digest::SHA qw(hmac_sha256);
use Herald;
use Herald::Receiver;
use JSON::PP;
use MIME::Base64;

my $dir = File::Temp->newdir;
my $receiver = Herald::Receiver->new("$dir/receiver");
my $closed = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'tcp') or die $!;    # bound, and nobody listens
my $key = join '', map { chr } 1 .. 32;

my $toml = <<'TOML';
%%SIDECAR%%
[ring]
size = "1M"
max_message = "64K"

[[feed]]
name = "jobs"
channels = "jobs:{id}"
event = "type"
rename = { "job.done" = "done" }
[[feed.webhook]]
url = "URL/all?token=secret-of-url"
secret = "env:HOOK_KEY"
headers = { "X-Api-Key" = "env:HOOK_HEADER" }
[[feed.webhook]]
url = "URL/done"
secret = "env:HOOK_KEY"
on = ["job.done"]

[[feed]]
name = "flaky"
channels = "flaky:{id}"
[[feed.webhook]]
url = "URL/flaky"
secret = "env:HOOK_KEY"

[[feed]]
name = "short"
channels = "short:{id}"
event = "type"
[[feed.webhook]]
url = "URL/short"
secret = "env:HOOK_KEY"
retry_for = "2s"

[[feed]]
name = "hang"
channels = "hang:{id}"
[[feed.webhook]]
url = "URL/hang"
secret = "env:HOOK_KEY"
timeout = "1s"
concurrency = 2
max_pending = 3
[[feed.webhook]]
url = "http://127.0.0.1:CLOSED/"
secret = "env:HOOK_KEY"
[[feed.webhook]]
url = "URL/healthy"
secret = "env:HOOK_KEY"

[[feed]]
name = "kill"
channels = "kill:{id}"
[[feed.webhook]]
url = "URL/kill"
secret = "env:HOOK_KEY"
TOML
my $base = $receiver->url('') =~ s{/\z}{}r;
$toml =~ s/URL/$base/g;
$toml =~ s/CLOSED/$closed->sockport/ge;

my $h = Herald->new(toml => $toml, conf => <<'CONF', env => { HOOK_KEY => 'whsec_' . encode_base64($key, ''), HOOK_HEADER => 'secret-of-header' });
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /s { herald_subscribe hang:1; }
    }
}
CONF

sub publish { my ($channel, $data) = @_; is $h->redis_publish($channel, $data), 1, "published on $channel" or die }
sub bodies { return [map { $_->{body} } @_] }
# The requests for a path, once there are `count`.
sub requests {
    my ($name, $count, $seconds) = @_;
    $h->wait_for(sub { $receiver->requests($name) >= $count }, "$count requests for /$name", $seconds);
    return $receiver->requests($name);
}
sub signature {
    my ($request) = @_;
    my $content = join '.', @{ $request->{headers} }{qw(webhook-id webhook-timestamp)}, $request->{body};
    return 'v1,' . encode_base64(hmac_sha256($content, $key), '');
}
sub dead_letters {
    my ($feed) = @_;
    return map { JSON::PP->new->decode($_) } map { split /\n/, Herald::Process::slurp($_) }
        glob $h->path("state/webhooks/$feed-*.dead.jsonl");
}

# -- what a delivery is
publish('jobs:1', '{"type":"job.started", "n":1.50}');
publish("jobs:\xc3\xbc %", '{"type":"job.done","n":2}');
publish('jobs:1', '{"n":3}');
my @all = sort { $a->{body} cmp $b->{body} } requests('all', 3);
my ($started) = grep { $_->{body} =~ /started/ } @all;
my ($done) = grep { $_->{body} =~ /job.done/ } @all;
my ($unnamed) = grep { $_->{body} eq '{"n":3}' } @all;
is $started->{body}, '{"type":"job.started", "n":1.50}', 'the body is what was published, byte by byte';
is $started->{method}, 'POST', 'posted';
is $started->{headers}{'content-type'}, 'application/json', 'as JSON';
is $started->{headers}{'herald-channel'}, 'jobs:1', 'with its channel';
is $started->{headers}{'herald-event'}, 'job.started', 'and its name';
like $started->{headers}{'webhook-id'}, qr/\A[0-9a-f]{8}-\d+\z/, 'and its id';
cmp_ok abs(time - $started->{headers}{'webhook-timestamp'}), '<', 300, 'and the time';
is $started->{headers}{'x-api-key'}, 'secret-of-header', 'and the configured header';
is $started->{path}, '/all?token=secret-of-url', 'the URL is used as a whole';
is $_->{headers}{'webhook-signature'}, signature($_), "$_->{body} is signed" for @all;
is $done->{headers}{'herald-channel'}, 'jobs:%C3%BC%20%25', 'a channel of any bytes fits into its header';
is $done->{headers}{'herald-event'}, 'done', 'names are those after rename';
ok !exists $unnamed->{headers}{'herald-event'}, 'an event without a name has no header for it';
is_deeply bodies(requests('done', 1)), ['{"type":"job.done","n":2}'], '`on` takes a name as it was published, and no others';

# -- a receiver that fails
$receiver->answer('flaky', 'flaky:1 500', '200');
publish('flaky:1', '{"n":1}');
requests('flaky', 1);
publish('flaky:1', '{"n":2}');
publish('flaky:2', '{"n":3}');
$h->wait_for(sub { grep { $_->{body} eq '{"n":3}' } $receiver->requests('flaky') }, 'the other channel');
pass 'a channel that fails holds up no other';
$h->wait_for(sub { 2 <= grep { $_->{body} eq '{"n":1}' } $receiver->requests('flaky') }, 'another attempt');
ok !(grep { $_->{body} eq '{"n":2}' } $receiver->requests('flaky')), 'what came later on the channel waits for its turn';
$h->wait_log('sidecar', qr/webhook fails.*webhook=flaky-.*HTTP status 500/);
$receiver->answer('flaky', '200');
$h->wait_for(sub { grep { $_->{body} eq '{"n":2}' } $receiver->requests('flaky') }, 'recovery');
my @attempts = grep { $_->{body} eq '{"n":1}' } $receiver->requests('flaky');
is scalar(keys %{ { map { $_->{headers}{'webhook-id'} => 1 } @attempts } }), 1, 'all attempts have one id';
is $attempts[-1]{headers}{'webhook-signature'}, signature($attempts[-1]), 'each is signed with its own time';
$h->wait_log('sidecar', qr/webhook works again.*webhook=flaky-/);

# -- a receiver that asks for patience, for all channels
$receiver->answer('flaky', '429|Retry-After: 4');
my $before = () = $receiver->requests('flaky');
publish('flaky:1', '{"n":4}');
my $asked = (requests('flaky', $before + 1))[-1]{headers}{'webhook-timestamp'};
$receiver->answer('flaky', '200');
publish('flaky:2', '{"n":5}');
my @later = @{ [requests('flaky', $before + 3)] }[$before + 1, $before + 2];
is_deeply [sort @{ bodies(@later) }], ['{"n":4}', '{"n":5}'], 'both come';
cmp_ok $_->{headers}{'webhook-timestamp'}, '>=', $asked + 3, 'when the receiver has said, not before' for @later;

# -- what cannot be delivered
$receiver->answer('short', 'short:gone 410', 'short:bad 422', 'short:moved 302|Location: /all', 'short:down 500');
publish('short:gone', '{"type":"a \"b\"","n":1}');
publish('short:bad', '{"n":2}');
publish('short:down', '{"n":3}');
publish('short:moved', '{"n":4}');
$h->wait_for(sub { dead_letters('short') >= 4 }, 'dead letters');
my %letter = map { $_->{data}{n} => $_ } dead_letters('short');
is $letter{1}{status}, 410, 'gone is for good';
is $letter{1}{attempts}, 1, 'after one attempt';
is $letter{1}{channel}, 'short:gone', 'the letter has the channel';
is $letter{1}{event}, 'a "b"', 'and the name';
is $letter{1}{id}, (map { $_->{headers}{'webhook-id'} } grep { $_->{body} =~ /"n":1/ } $receiver->requests('short'))[0], 'and the id';
is $letter{1}{url}, $base, 'and of the URL what is no secret';
is $letter{2}{status}, 422, 'so is a refusal of the event itself';
is $letter{3}{status}, 500, 'a failure that lasts';
cmp_ok $letter{3}{attempts}, '>=', 2, 'is one after several attempts';
is $letter{3}{error}, 'HTTP status 500', 'and says what went wrong';
is $letter{4}{status}, 302, 'a redirect is a failure';
is scalar(grep { $_->{body} eq '{"n":4}' } $receiver->requests('all')), 0, 'and never followed';

# -- a receiver that hangs, and one that is not there
$receiver->answer('hang', 'hang');
my $sse = $h->sse('/s');
publish('hang:1', '{"n":1}');
requests('hang', 1);
publish("hang:$_", qq({"n":$_})) for 1 .. 10;
is $sse->next_event->{data}, '{"n":1}', 'a stream has its event while a receiver hangs' for 1 .. 2;
requests('healthy', 11);
pass 'another webhook of the feed has all of them';
$h->wait_log('sidecar', qr/webhook lags.*webhook=hang-\w+.*pending=3/);
pass 'no more than max_pending are waiting';
cmp_ok scalar(grep { !/"n":1}/ } @{ bodies($receiver->requests('hang')) }), '<=', 2, 'and tried';
is $h->stop_sidecar, 0, 'the sidecar ends all the same';
$receiver->answer('hang', '200');
$h->start_sidecar;
$h->wait_for(sub { my %came = map { $_->{body} => 1 } grep { $_->{status} eq '200' } $receiver->requests('hang'); keys %came == 10 },
    'the rest', 60);
pass 'what it had taken, and what it had left in the journal, comes after a restart';
is_deeply [map { $_->{body} } grep { $_->{status} eq '200' && $_->{headers}{'herald-channel'} eq 'hang:1' } $receiver->requests('hang')],
    ['{"n":1}', '{"n":1}'], 'each once';

# -- kill -9
my $n = 0;
for my $round (1 .. 6) {
    $receiver->answer('kill', $round % 2 ? '200' : ('kill:1 500', '200'));
    my $seen = () = $receiver->requests('kill');
    $h->redis_publish('kill:' . $n % 5, sprintf '{"n":%d}', ++$n) for 1 .. 100;
    requests('kill', $seen + 1 + int rand 60);
    $h->kill_sidecar;
    $h->start_sidecar;
}
$receiver->answer('kill', '200');
my %journal;
for my $line (map { split /\n/, Herald::Process::slurp($_) } glob $h->path('state/journal/*.jsonl')) {
    $journal{$1} = $2 if $line =~ /\A\{"id":"([^"]+)".*"channel":"kill:\d","data":(.*)\}\z/;
}
cmp_ok scalar(keys %journal), '>', 100, 'the journal has events of all this';
sub delivered { my %delivered = map { $_->{headers}{'webhook-id'} => $_->{body} } grep { $_->{status} eq '200' } $receiver->requests('kill'); \%delivered }
$h->wait_for(sub { keys %{ delivered() } >= keys %journal }, 'every event of the journal', 60);
is_deeply delivered(), \%journal, 'each was delivered, under its id';
is scalar(grep { $_->{headers}{'webhook-signature'} ne signature($_) } $receiver->requests('kill')), 0, 'and signed';
is scalar(glob $h->path('state/webhooks/kill-*.dead.jsonl')), undef, 'none was given up';

# -- a damaged queue, and a webhook that is new
$h->stop_sidecar;
my ($queue) = glob $h->path('state/webhooks/flaky-*.queue');
$h->write_file($queue =~ s{^\Q@{[ $h->dir ]}\E/}{}r, "garbage\n");
$h->start_sidecar;
$before = () = $receiver->requests('flaky');
publish('flaky:1', '{"n":6}');
my @now = requests('flaky', $before + 1);
is $now[-1]{body}, '{"n":6}', 'a queue that cannot be read starts with the present';
is Herald::Process::slurp("$queue.bad"), "garbage\n", 'and is kept aside';

unlike $h->sidecar_log, qr/secret-of|whsec_/, 'no secret is logged';
unlike join('', map { Herald::Process::slurp($_) } glob $h->path('state/webhooks/*')), qr/secret-of|whsec_/, 'or written';
$h->finish;
done_testing;

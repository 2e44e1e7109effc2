# herald record and herald tail: what is published arrives in the file, each event once and a line each, whatever
# happens to the connection in between.

use strict;
use warnings;
use Test::More;
use Herald;

my $HERALD = File::Spec->rel2abs($ENV{HERALD_BUILD} || 'build') . '/herald';
my $TOKEN = 'a-token-that-nobody-may-see';

my $CONF = <<'CONF';
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    log_format seen '$uri [$http_authorization] [$http_last_event_id] [$args] $status';
    access_log %%DIR%%/seen.log seen;
    herald_sidecar unix:%%SOCKET%%;
    herald_retry 50ms;
    herald_drain 200ms;
    map $http_upgrade $upgrade { '' ''; default upgrade; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /s { herald_subscribe x:1; herald_greeting connected '{"type":"connected"}'; herald_keepalive 50ms idle 'data={}'; }
        location = /unnamed { herald_subscribe x:1; herald_greeting '{"type":"connected"}'; herald_keepalive 50ms idle 'data={}'; }
        location = /quiet { herald_subscribe x:quiet; herald_greeting connected '{"type":"connected"}'; herald_keepalive 50ms idle 'data={}'; }
        location = /plain {
            proxy_pass http://127.0.0.1:%%PORT%%/unnamed;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $upgrade;
            proxy_set_header Sec-WebSocket-Protocol '';
        }
        location = /anonymous { herald_subscribe x:1; herald_ids off; herald_lifetime 300ms; }
        location ~ ^/run/(\w+)$ { herald_subscribe run:$1; herald_start all; }
        location ~ ^/named/(\w+)$ { herald_subscribe run:$1; herald_start all; herald_end_event stream_end '{"type":"stream_end"}'; }
        location = /text { herald_subscribe x:quiet; herald_greeting hello 'no JSON'; }
        location = /later { return 503; }
        location = /refused/400 { default_type application/json; return 400 '{"detail":"Not for you, $http_authorization."}'; }
        location = /refused/401 { default_type application/json; return 401 '{"detail":"Not for you, $http_authorization."}'; }
        location = /refused/403 { default_type application/json; return 403 '{"detail":"Not for you, $http_authorization."}'; }
        location = /refused/404 { default_type application/json; return 404 '{"detail":"Not for you, $http_authorization."}'; }
        location = /refused/410 { default_type application/json; return 410 '{"detail":"Not for you, $http_authorization."}'; }
        location = /page { default_type text/html; return 200 '<p>A page</p>'; }
        location = /moved { return 302 http://127.0.0.1:%%PORT%%/run/moved; }
        location = /away { return 302 http://localhost:%%PORT%%/run/moved; }
    }
    server {
        listen 127.0.0.1:%%PORT2%% ssl http2;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        location ~ ^/run/(\w+)$ { herald_subscribe run:$1; herald_start all; }
    }
}
CONF

my $h = Herald->new(conf => $CONF, toml => <<'TOML');
%%SIDECAR%%
[[feed]]
name = "x"
channels = "x:{id}"
[[feed]]
name = "run"
channels = "run:{id}"
event = "type"
end_on = ["done"]
TOML

my $AT = '127.0.0.1:' . $h->port;
my $AT_TLS = 'localhost:' . $h->port('PORT2');
my $runs = 0;

# A run of the program, started.
sub start {
    my (@arguments) = @_;
    return Herald::Process->new(
        name => "herald @arguments", log => $h->path('herald-' . ++$runs . '.out'),
        env => { no_proxy => '*', TOKEN => $TOKEN }, command => [$HERALD, @arguments])->start;
}

# (exit code, output) of one, once it has ended.
sub ended {
    my $process = shift;
    my $status = $process->wait_exit(40);
    return ($status & 127 ? "signal $status" : $status >> 8, $process->output);
}

sub herald { return ended(start(@_)) }

# The lines of nginx's log behind byte `from`, once they match: they are written behind the client's end.
sub seen {
    my ($regex, $from) = @_;
    my $lines;
    eval { wait_for(sub { ($lines = substr $h->read_file('seen.log'), $from // 0) =~ $regex }, "$regex in the log"); 1 };
    return $lines;
}

# A recording that listens: { process, name, file }.
sub record {
    my ($url, @options) = @_;
    my $file = $h->path('record-' . ++$runs . '.jsonl');
    my $process = start('record', $url, '--output', $file, @options);
    $process->wait_log($process->{log}, qr/^herald: listening to /m, 0);
    return { process => $process, name => $url =~ s/:\d+//r, file => $file };
}

sub recorded { return Herald::Process::slurp($_[0]{file}) }

# Waits until the file of each has exactly these lines.
sub has_lines {
    my ($what, $lines, @recordings) = @_;
    my $due = join '', map { "$_\n" } @$lines;
    for my $recording (@recordings) {
        eval { wait_for(sub { length recorded($recording) >= length $due }, 'the file'); 1 } or diag $@;
        ok recorded($recording) eq $due, "$recording->{name}: $what"
            or diag recorded($recording), $recording->{process}->output;
    }
}

# Ends each with Ctrl-C.
sub interrupt {
    my ($events, @recordings) = @_;
    for my $recording (@recordings) {
        $recording->{process}->signal('INT');
        my ($code, $output) = ended($recording->{process});
        is $code, 0, "$recording->{name}: Ctrl-C ends it in order";
        like $output, qr/^recorded $events events? in [\d.]+ s \(\d+ gaps?, \d+ reconnects?[^)]*\)$/m, '  with a summary'
            or diag $output;
    }
}

my @published;
sub publish { $h->redis_publish('x:1', $published[@published] = shift) }

# -- what is published, byte for byte, and nothing else
my @recordings = (map { record($_) } "http://$AT/s", "ws://$AT/s");
my @passing = (map { record($_) } "http://$AT/unnamed", "ws://$AT/plain");
publish($_) for '{"event": "job.updated", "job": {"job_id": "mock-42", "status": "running"}}', '{"a":"\u00e9\ud83d\ude00"}',
    "{\"a\":\"\xc3\xa9\"}", '[1,2]', '"text"', '17', 'null', '"{}"', '{"type":"connected"}',
    '{"type":"gap"}', '{"big":"' . 'y' x 300_000 . '"}', map { qq({"n":$_}) } 1 .. 200;
has_lines('is in the file', \@published, @recordings, @passing);
my $seen = start('tail', "http://$AT/quiet", '--all', '--count', 3);
is_deeply [ended($seen)], [0, "herald: listening to http://$AT/quiet\n" . qq({"type":"connected"}\n{}\n{}\n)
        . ($seen->output =~ /(received 3 events .*\n)/)[0]], 'though there is more in the stream';
interrupt(scalar @published, @passing);

# -- over kills and reloads
my $kills = $ENV{HERALD_KILLS} || 5;
for my $round (1 .. $kills) {
    publish(sprintf '{"kill":%d,"n":%d,"fill":"%s"}', $round, $_, 'f' x int rand 2000) for 1 .. 50;
    $h->kill_worker;
    publish(qq({"kill":$round,"after":$_})) for 1 .. 50;
    has_lines("kill -9 of the worker: no loss, no repeat ($round)", \@published, @recordings);
}
for my $round (1 .. 2) {
    publish(qq({"reload":$round,"n":$_})) for 1 .. 50;
    my @old = $h->reload;
    publish(qq({"reload":$round,"after":$_})) for 1 .. 50;
    $h->wait_worker_exit(@old);
    publish(qq({"reload":$round,"end":$_})) for 1 .. 50;
    has_lines("a reload: no loss, no repeat ($round)", \@published, @recordings);
}
cmp_ok scalar(() = $_->{process}->output =~ /; trying again in .*\nherald: connected again$/mg), '>=', $kills,
    "$_->{name}: tells what it does"
    for @recordings;
for my $resumed (qr{^/s \[-\] \[[0-9a-f]{8}-\d+\]}m, qr{^/s \[-\] \[-\] \[last_event_id=[0-9a-f]{8}-\d+\]}m) {
    like seen($resumed), $resumed, 'from where it was';
}

interrupt(scalar @published, @recordings);

# -- the end
my @run = ('{"type":"started"}', '{"type":"step","n":1}', '{"type":"done"}');
for my $url ("http://$AT/run/a", "ws://$AT/run/a") {
    my $recording = record($url);
    $h->redis_publish('run:a', $_) for $url =~ /^http/ ? @run : ();
    my ($code, $output) = ended($recording->{process});
    is $code, 0, "$recording->{name}: the stream's end is the end";
    like $output, qr/^herald: the stream has ended\nrecorded 3 events /m, '  which it tells';
    is recorded($recording), "$run[0]\n$run[1]\n$run[2]\n", '  and the file has the run';
}
like seen(qr{^/run/a .* 204$}m), qr{^/run/a .* 204$}m, 'SSE is told by 204';
my $run = join '', map { "$_\n" } @run;
my ($code, $output) = herald('tail', "http://$AT/named/a", '--until', 'stream_end', '--quiet');
is $code, 0, '--until ends it';
like $output, qr/\A\Q$run\E\{"type":"stream_end"\}\nreceived 4 events /, 'behind the event of that name';

# -- where it goes
my $file = $h->path('deep/er/run.jsonl');
($code) = herald('record', "http://$AT/run/a", '--output', $file, '--count', 2);
is_deeply [$code, $h->read_file('deep/er/run.jsonl')], [0, "$run[0]\n$run[1]\n"], '--count, into a directory that is made';
($code) = herald('record', "ws://$AT/run/a", '--output', $file, '--count', 1);
is $h->read_file('deep/er/run.jsonl'), "$run[0]\n", 'a file is emptied first';
$h->write_file('deep/er/run.jsonl', 'half a line');
($code) = herald('record', "ws://$AT/run/a", '--output', $file, '--count', 1, '--append');
is $h->read_file('deep/er/run.jsonl'), "half a line\n$run[0]\n", '--append keeps what is in it';
($code, $output) = herald('record', "http://$AT/quiet", '--output', $file, '--for', '1s');
is $code, 0, '--for ends it';
is $h->read_file('deep/er/run.jsonl'), '', 'with an empty file, where nothing came';
like $output, qr/^recorded 0 events in /m, 'which it counts';

($code, $output) = herald('record', "http://$AT/run/a", '--output', '/dev/full');
is $code, 1, 'a full disk is an error';
like $output, qr{^herald: /dev/full: No space left on device\nstopped: recorded 0 events}m, '  and is named';
my $limited = Herald::Process->new(
    name => 'limited', log => $h->path('limited.out'), env => { no_proxy => '*' },
    command => ['bash', '-c', 'ulimit -f 8; exec "$@"', '-', $HERALD, 'record', "ws://$AT/unnamed?x=1", '--output', $file])->start;
$limited->wait_log($h->path('limited.out'), qr/listening/, 0);
publish(sprintf '{"n":%d,"fill":"%s"}', $_, 'f' x 1000) for 1 .. 20;
($code, $output) = ended($limited);
is $code, 1, 'so is a file that cannot grow';
my $kept = $h->read_file('deep/er/run.jsonl');
my $lines = () = $kept =~ /\n/g;
like $kept, qr/\A(?:\{"n":\d+,"fill":"f+"\}\n)+\z/, '  whose lines are whole';
like $output, qr/run\.jsonl: File too large\nstopped: recorded $lines events /, '  and counted';

# -- tail
my @ids = map { /^\{"id":"([^"]+)".*"channel":"run:a"/ ? $1 : () } split /\n/,
    join '', map { Herald::Process::slurp($_) } sort glob $h->path('state/journal/*.jsonl');
for my $scheme (qw(http ws)) {
    (undef, $output) = herald('tail', "$scheme://$AT/run/a", '--format', 'json', '--count', 1, '-q');
    like $output, qr/\A\{"id":"$ids[0]","event":"started","data":\Q$run[0]\E\}\nreceived 1 event /, "$scheme: --format json";
    (undef, $output) = herald('tail', "$scheme://$AT/run/a", '--format', 'sse', '--count', 1, '-q');
    like $output, qr/\Aid: $ids[0]\nevent: started\ndata: \Q$run[0]\E\n\nreceived 1 event /, "$scheme: --format sse";
}
(undef, $output) = herald('tail', "http://$AT/text", '--count', 1, '-q');
like $output, qr/\Ano JSON\n/, 'tail shows what is no JSON';
my $text = record("http://$AT/text");
$h->redis_publish('x:quiet', '{"n":1}');
has_lines('record leaves it out', ['{"n":1}'], $text);
$text->{process}->signal('INT');
($code, $output) = ended($text->{process});
is $code, 1, '  which shows in the exit code';
like $output, qr/^herald: left out an event whose data is not JSON\n.*; left out 1 not JSON$/ms, '  and in words';

my $pipe = Herald::Process->new(
    name => 'pipe', log => $h->path('pipe.out'), env => { no_proxy => '*' },
    command => ['bash', '-c', '"$@" | head -n 1; echo "${PIPESTATUS[0]}"', '-', $HERALD, 'tail', "http://$AT/s", '-q'])->start;
wait_for(sub { publish('{"n":1}'); $pipe->output =~ /^\d+$/m }, 'the end of the pipe');
is_deeply [ended($pipe)], [0, "{\"n\":1}\n" . ($pipe->output =~ /^(received .*\n)/m)[0] . "0\n"], 'a reader that has had enough is no error';

# -- streams without ids
my $anonymous = record("http://$AT/anonymous");
$anonymous->{process}->wait_log($anonymous->{process}{log}, qr/connected again, without an id to resume from/, 0);
$anonymous->{process}->signal('TERM');
like +(ended($anonymous->{process}))[1], qr/, \d+ without an id to resume from\)$/m, 'what cannot be resumed is told';

# -- TLS
$h->expand('%%CERT%%');
for my $scheme (qw(https wss)) {
    ($code, $output) = herald('tail', "$scheme://$AT_TLS/run/a", '--ca', $h->path('cert.pem'), '-q');
    is $code, 0, "$scheme with --ca";
    like $output, qr/\A\Q$run\E/, '  has the run';
    ($code, $output) = herald('tail', "$scheme://$AT_TLS/run/a");
    is $code, 1, "$scheme, whose certificate nobody vouches for, is refused";
    like $output, qr/^herald: .*certificate is not trusted \(--ca FILE/m, '  and what would help';
}
($code, $output) = herald('tail', "https://$AT_TLS/run/a", '--ca', $h->path('nowhere.pem'));
is $code, 1, 'a --ca that is not there';
like $output, qr/--ca .*nowhere\.pem: No such file/, '  is named';

# -- tokens
$h->write_file('token', "$TOKEN\n");
for my $scheme (qw(http ws)) {
    for my $by (['--token', $TOKEN], ['--token-file', $h->path('token')], ['--token-file', 'env:TOKEN']) {
        my $mark = 'run-' . ++$runs;
        herald('tail', "$scheme://$AT/run/a?$mark", @$by);
        like seen(qr{\[$mark\]}), qr{^/run/a \[Bearer $TOKEN\] \[-\] \[$mark\]}m, "$scheme: $by->[0] $by->[1] is shown";
    }
    for my $status (400, 401, 403, 404, 410) {
        ($code, $output) = herald('record', "$scheme://$AT/refused/$status?token=$TOKEN", '--output', $file, '--token', $TOKEN);
        is $code, 1, "$scheme: $status is the end";
        like $output, qr/^herald: the server answers $status \(Not for you, Bearer \.\.\.\.\): \w/m, '  and why';
        unlike $output, qr/$TOKEN|listening|trying/, '  without the token';
    }
}
for my $bad (
    [2, "http://user:$TOKEN\@$AT/s", qr/has a user or a password in it/],
    [2, "ftp://$AT/$TOKEN", qr/expected http:/],
    [2, "http://", qr/expected http:/],
    [1, "http://$AT/page?$TOKEN", qr{Content-Type is not text/event-stream but text/html}],
    [1, "ws://$AT/page?$TOKEN", qr/the server answers 200: no event stream/],
    [2, "http://$AT/s", qr/--for: expected a time/, '--for', 'soon'],
    [1, "http://$AT/s", qr/there is no NO_SUCH in the environment/, '--token-file', 'env:NO_SUCH'],
    [1, "http://$AT/s", qr/--token has bytes in it/, '--token', "$TOKEN\n$TOKEN"],
) {
    my ($expected, $url, $why, @options) = @$bad;
    $h->write_file('deep/er/run.jsonl', "kept\n");
    ($code, $output) = herald('record', $url, '--output', $file, @options);
    is $code, $expected, "@{[$url, @options]} is refused" =~ s/$TOKEN/T/gr =~ tr/\n/ /r;
    like $output, $why, '  and why';
    unlike $output, qr/$TOKEN/, '  without the token';
    is $h->read_file('deep/er/run.jsonl'), "kept\n", '  and the file is untouched' if $expected == 2 || @options;
}

# -- redirects, and what will be there later
$h->redis_publish('run:moved', '{"type":"done"}');
my $from = length $h->read_file('seen.log');
is +(herald('tail', "http://$AT/moved", '--token', $TOKEN, '--until', 'done'))[0], 0, 'a redirect is followed';
like seen(qr{^/run/moved }m, $from), qr{^/run/moved \[Bearer $TOKEN\]}m, '  with the token';
$from = length $h->read_file('seen.log');
herald('tail', "http://$AT/away", '--token', $TOKEN, '--for', '1s', '--until', 'done');
like seen(qr{^/run/moved }m, $from), qr{^/run/moved \[-\]}m, 'but another host does not get it';

my @later = map { start('tail', "$_://$AT/later", '--until', 'done') } qw(http ws);
$_->wait_log($_->{log}, qr/^herald: the server answers 503; trying again in /m, 0) for @later;
$h->reload(conf => $CONF =~ s{return 503;}{herald_subscribe run:later; herald_start all;}r);
$h->redis_publish('run:later', '{"type":"done"}');
for my $later (@later) {
    ($code, $output) = ended($later);
    is $code, 0, "$later->{name}: a server that is not ready is waited for";
    like $output, qr/^\{"type":"done"\}$/m, '  and then heard';
}

# -- a sidecar that was away: a gap, which is told
@recordings = (map { record($_) } "http://$AT/s", "ws://$AT/s", "ws://$AT/plain");
my @telling = (map { record($_, '--with-gaps') } "http://$AT/s", "ws://$AT/s");
publish('{"n":"before the gap"}');
has_lines('an event', ['{"n":"before the gap"}'], @recordings, @telling);
$h->kill_sidecar;
$h->start_sidecar;
publish('{"n":"behind the gap"}');
has_lines('no gap is in the file', [@published[-2, -1]], @recordings);
for my $recording (@recordings) {
    like $recording->{process}->output, qr/^herald: gap \(redis\): events may be missing: \{"type":"gap",/m, '  but told';
}
for my $recording (@telling) {
    wait_for(sub { recorded($recording) =~ /behind the gap/ }, 'the event behind the gap');
    like recorded($recording), qr/\n\{"type":"gap","reason":"redis"[^\n]*\}\n\{"n":"behind the gap"\}\n\z/,
        "$recording->{name}: --with-gaps has it in its place";
}
interrupt(2, @recordings);
interrupt(3, @telling);
like $recordings[0]{process}->output, qr/\(1 gap, 0 reconnects\)/, 'the gap is counted';

$h->finish;
done_testing;

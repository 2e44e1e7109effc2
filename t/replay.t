# herald replay and herald publish: what is in files, and on the command line, arrives in Redis, and through
# it at the clients.

use strict;
use warnings;
use Test::More;
use Herald;

my $HERALD = File::Spec->rel2abs($ENV{HERALD_BUILD} || 'build') . '/herald';

my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
events { worker_connections 64; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location = /s { herald_subscribe runs:1; herald_retry off; }
    }
}
CONF
%%SIDECAR%%
[[feed]]
name = "runs"
channels = "runs:{id}"
event = "type"
TOML

my $REDIS = $h->expand('%%REDIS%%');
my $runs = 0;

# A run of the program, started. Finds Redis by $REDIS_URL unless told otherwise.
sub start {
    my ($arguments, %env) = @_;
    my $log = $h->path('herald-' . ++$runs . '.out');
    return Herald::Process->new(
        name => "herald @$arguments", log => $log, env => { REDIS_URL => $REDIS, %env },
        command => [$HERALD, @$arguments])->start;
}

# (exit code, output) of a run.
sub herald {
    my $process = start(@_);
    my $status = $process->wait_exit;
    return ($status & 127 ? "signal $status" : $status >> 8, $process->output);
}

# Everything that is published from here on: 'channel payload', in order.
my $subscriber = Herald::Redis->new($h->redis_port);
$subscriber->command('PSUBSCRIBE', '*');
sub received {
    return map { my $message = $subscriber->_reply; "$message->[2] $message->[3]" } 1 .. shift;
}
# What came before a marker, all of it.
sub received_all {
    $h->redis_publish('marker', '');
    my @all;
    while (1) {
        my ($one) = received(1);
        return @all if $one eq 'marker ';
        push @all, $one;
    }
}

sub entry {
    my ($seq, $at, $channel, $data) = @_;
    return qq({"id":"7f3a2c01-$seq","at":"2026-11-21T10:00:$at","channel":"$channel","event":"e","data":$data}\n);
}
sub notice { return qq({"id":"7f3a2c01-$_[0]","at":"2026-11-21T10:00:$_[1]","notice":"redis_lost"}\n) }

# -- a file of objects
my $many = $h->write_file('many.jsonl', join '', map { qq({"type":"step","n":$_}\n) } 1 .. 5000);
my $sse = $h->sse('/s');
my ($code, $output) = herald(['replay', $many, '--channel', 'runs:1', '--speed', 'max']);
is $code, 0, 'a JSONL file is replayed';
like $output, qr/\Areplayed 5000 events in \d+\.\d s \(skipped 0 notices, 0 bad lines\)\n\z/, '... and that is all it says';
my @expected = map { qq(runs:1 {"type":"step","n":$_}) } 1 .. 5000;
is_deeply [received_all()], \@expected, '... event by event, in order';
my $last;
do { $last = $sse->next_event } until $last->{data} =~ /"n":5000\}/;
is_deeply [@$last{qw(event data)}], ['step', '{"type":"step","n":5000}'], '... up to the clients of nginx';

# -- a journal, in one file and in a directory
my $journal = $h->write_file('journal.jsonl',
    entry(9, '00.000Z', 'a:1', '{"n":1}') . notice(10, '01.000Z') . entry(11, '01.001Z', 'b', '[ "\u00e9", 1e999 ]'));
($code, $output) = herald(['replay', $journal, '--speed', '1e6']);
is $code, 0, 'a journal is replayed';
like $output, qr/^replayed 2 events in .* \(skipped 1 notice, 0 bad lines\)$/m, '... but for its notices';
is_deeply [received_all()], ['a:1 {"n":1}', 'b [ "\u00e9", 1e999 ]'], '... each event on its channel, byte for byte';
($code) = herald(['replay', $journal, '--speed', 'max', '--channel', 'c']);
is_deeply [received_all()], ['c {"n":1}', 'c [ "\u00e9", 1e999 ]'], '... or all on another';

mkdir $h->path('journal');
$h->write_file('journal/x', entry(100, '03.000Z', 'c', 3));
$h->write_file('journal/y', entry(20, '02.000Z', 'c', 2));
$h->write_file('journal/z', "\"half a line\n");
($code) = herald(['replay', $h->path('journal'), $journal, '--speed', 'max']);
is $code, 0, 'a directory is a journal, too';
is_deeply [received_all()], ['c 2', 'c 3', 'a:1 {"n":1}', 'b [ "\u00e9", 1e999 ]'], '... in the order of its ids, and of the arguments';

# -- its pace
my $slow = $h->write_file('slow.jsonl', <<'JSONL');
{"n":1,"created_at":"2026-11-21T10:00:00+01:00"}
{"n":2,"created_at":"2026-11-21T11:00:00.500+01:00"}
{"n":3,"created_at":"2026-11-21T09:00:00+01:00"}
{"n":4}
JSONL
my $process = start(['replay', $slow, '--channel', 'slow']);
is_deeply [received(1)], ['slow {"n":1,"created_at":"2026-11-21T10:00:00+01:00"}'], 'the first event comes at once';
ok $process->alive, 'the second one is waited for';
$process->signal('INT');
is $process->wait_exit >> 8, 130, 'Ctrl-C ends that';
like $process->output, qr/^stopped: replayed [01] events? in /m, '... with a summary';
is_deeply [received_all()], [], '... and nothing more';
($code) = herald(['replay', $slow, '--channel', 'slow', '--speed', '1e7']);
is_deeply [map { /"n":(\d)/ } received_all()], [1 .. 4], 'a high speed makes an hour short';
($code) = herald(['replay', $slow, '--channel', 'slow', '--speed', 'max']);
is_deeply [map { /"n":(\d)/ } received_all()], [1 .. 4], 'the highest knows no time';

my $epoch = $h->write_file('epoch.jsonl', qq({"ts":1,"w":0}\n{"ts":1,"w":36000.5}\n));
($code, $output) = herald(['replay', $epoch, '--channel', 'e']);
is_deeply [scalar received_all(), $code], [2, 0], 'the usual member is found';
$process = start(['replay', $epoch, '--channel', 'e', '--time', 'w']);
received(1);
$process->signal('TERM');
is $process->wait_exit >> 8, 143, 'another one can be named; TERM ends it as well';
is_deeply [received_all()], [], '... before its time';

my $untimed = $h->write_file('untimed.jsonl', qq({"n":1}\n{"n":2}\n));
($code, $output) = herald(['replay', $untimed, '--channel', 'u']);
like $output, qr/untimed\.jsonl: the first event has no time in .*--time/, 'a file without times is told';
is scalar(received_all()), 2, '... and replayed';

# -- bad lines
my $bad = $h->write_file('bad.jsonl', qq({"n":1}\n{"n":\n\n[2]\n{"n":"\xff"}\r\n{"n":3}\r\n) . "x\n" x 10 . '{"n":4}');
($code, $output) = herald(['replay', $bad, '--channel', 'bad', '--speed', 'max']);
is $code, 1, 'bad lines show in the exit code';
is_deeply [received_all()], [map { qq(bad {"n":$_}) } 1, 3, 4], '... and take no good ones with them';
like $output, qr/bad\.jsonl:2: not JSON; skipped\n.*:4: JSON, but not an object; skipped\n.*:5: not UTF-8; skipped\n/, 'the first are told, with their lines';
like $output, qr/:8: not JSON; skipped\nand 8 more bad lines\nreplayed 3 events in .*, 13 bad lines\)/, 'the others are counted';

# -- what makes no sense
my @wrong = (
    [['replay'], qr/FILE is required/],
    [['replay', $many], qr/many\.jsonl is no journal .* --channel says where/],
    [['replay', $journal, $many], qr/many\.jsonl is no journal/],
    [['replay', $journal, '--speed', '0'], qr/--speed: expected max or a number above 0/],
    [['replay', $many, '--channel', "a\nb"], qr/--channel is no channel name/],
    [['replay', $journal, '--to', 'http://localhost'], qr/--to has no scheme that is known; expected redis/],
    [['publish', 'c'], qr/JSON is required/],
    [['publish', 'c', '{"n":'], qr/the event is not JSON; expected for example/],
    [['publish', '', '{}'], qr/CHANNEL is no channel name/],
);
for (@wrong) {
    my ($arguments, $says) = @$_;
    ($code, $output) = herald($arguments);
    is $code, 2, "not accepted: @$arguments[0, -1]";
    like $output, $says, '... and why';
}
($code, $output) = herald(['replay', $journal], REDIS_URL => 'redis://:hush@');
is $code, 2, 'a wrong $REDIS_URL';
like $output, qr/the environment's REDIS_URL has no host/, '... is said to be it';
($code, $output) = herald(['replay', $journal, $h->path('missing')]);
is $code, 1, 'a file that is not there';
like $output, qr/missing: No such file or directory/, '... is named';
is_deeply [received_all()], [], 'nothing of this has published anything';

# -- herald publish
($code, $output) = herald(['publish', 'c', '{"n":1}']);
is_deeply [$code, $output], [0, ''], 'an event is published without a word';
($code) = herald(['publish', 'c', '[1, 2]', '--to', $REDIS], REDIS_URL => 'redis://127.0.0.1:1');
is $code, 0, '--to wins over $REDIS_URL';
is_deeply [received_all()], ['c {"n":1}', 'c [1, 2]'], 'any JSON will do';

{
    local $ENV{REDIS_URL} = $REDIS;
    my $pid = open my $pipe, '|-', "exec $HERALD publish c - 2>" . $h->path('publish.out') or die $!;
    $pipe->autoflush;
    print $pipe qq({"n":1}\n{"n":2}\n{"n":);
    is_deeply [received(2)], ['c {"n":1}', 'c {"n":2}'], 'lines go out as they come';
    print $pipe qq(3}\n\nnope\n"last");
    close $pipe;
    is $? >> 8, 1, 'a bad line shows in the exit code';
    is_deeply [received_all()], ['c {"n":3}', 'c "last"'], '... and the others go out';
    is $h->read_file('publish.out'), "herald: line 5: not JSON; skipped\n", '... and it is told';

    $pid = open $pipe, '|-', "exec $HERALD publish c -" or die $!;
    $pipe->autoflush;
    print $pipe "1\n";
    received(1);
    kill 'INT', $pid;
    waitpid $pid, 0;    # before the pipe closes: its end would be an end, too
    is $? >> 8, 130, 'Ctrl-C ends it while it waits for a line';
    close $pipe;
}

# -- Redis refuses, or is not there
$h->redis_cmd(qw(ACL SETUSER limited on >hush resetchannels &ok:* +publish));
my $limited = $h->expand('redis://limited:hush@127.0.0.1:%%REDIS_PORT%%');
my $mixed = $h->write_file('mixed.jsonl', entry(1, '00.000Z', 'ok:1', 1) . entry(2, '00.000Z', 'other', 2) . entry(3, '59.000Z', 'ok:1', 3));
($code, $output) = herald(['replay', $mixed, '--to', $limited]);
is $code, 1, 'an event that Redis refuses ends a replay';
like $output, qr/mixed\.jsonl:2: Redis refuses PUBLISH: NOPERM .*\nstopped: replayed 1 event /, '... with its line and why';
is_deeply [received_all()], ['ok:1 1'], '... and what is due later is not published';
($code, $output) = herald(['publish', 'c', '1'], REDIS_URL => $limited =~ s/hush/hushhush/r);
is $code, 1, 'a wrong password';
like $output, qr/^herald: Redis refuses AUTH: WRONGPASS/, '... is told';
unlike $output, qr/hush/, '... but not which';

($code, $output) = herald(['replay', $journal, '--to', $h->expand('redis://127.0.0.1:%%PORT3%%')]);
is $code, 1, 'no Redis';
like $output, qr/journal\.jsonl:1: not published: no connection to Redis at 127\.0\.0\.1:\d+ within 5 s: connection refused\nstopped: replayed 0 events /, '... is told';

# -- progress
SKIP: {
    skip 'no script(1)', 4 unless grep { -x "$_/script" } split /:/, $ENV{PATH};
    my $terminal = sub {
        my $log = $h->path('terminal.out');
        unlink $log;
        Herald::Process->new(name => 'script', log => $log, env => { REDIS_URL => $REDIS },
            command => ['script', '-qec', "stty cols 40; $HERALD replay @_", '/dev/null'])->start->wait_exit;
        return Herald::Process::slurp($log);
    };
    my $two = $h->write_file('two.jsonl', qq({"ts":0}\n{"ts":1}\n));
    my $shown = $terminal->("$two --channel p");
    my @drawn = grep { /%/ } split /[\r\n]+/, $shown;
    cmp_ok scalar(@drawn), '>', 0, 'a terminal shows progress';
    is scalar(grep { length > 39 } @drawn), 0, '... that never wraps' or diag join "\n", @drawn;
    like $shown, qr/\r\s+\rreplayed 2 events in [^\r\n]*\r?\n\z/, '... and goes in the end';
    unlike $terminal->("$two --channel p --quiet"), qr/%/, 'or not at all';
}

$h->finish;
done_testing;

# Events in PostgreSQL: which rows, each once whoever is killed, and that a database that is slow, gone or wrong delays
# its table and nothing else.

use strict;
use warnings;
use JSON::PP qw(decode_json);
use Test::More;
use Herald;
use Herald::Postgres;

my $h = Herald->new(sidecar => 0, nginx => 0, conf => <<'CONF', toml => <<'TOML');
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location ~ ^/s/(.+)$ { herald_subscribe $1; herald_keepalive 200ms; }
        location = /status { herald_status; }
    }
}
CONF
%%SIDECAR%%
[postgres]
url = "file:%%DIR%%/database.url"
batch = 50
statement_timeout = "2s"
[[feed]]
name = "enrichment"
channels = "enrichment:{bom_id}"
event = "event_type"
dedupe = "event_id"
rename = { "enrichment.progress" = "progress" }
table = "enrichment_events"
[[feed]]
name = "jobs"
channels = "jobs:{tenant}:{job}"
event = "type"
table = "app.Job \"events\""
unique = "herald_id"
[feed.columns]
herald_id = "$id"
seq = "$seq"
channel = "$channel"
name = "$event"
arrived = "$at"
"all" = "$data"
tenant = "${tenant}"
status = "state.status"
percent = "state.percent"
tags = "tags"
note = "note"
[[feed]]
name = "load"
channels = "load:{id}"
table = "load"
unique = "never"
columns = { n = "n", never = "never", herald_id = "$id" }
TOML

my $pg = Herald::Postgres->new($h);
$pg->sql(<<'SQL');
CREATE TABLE enrichment_events (
    event_id uuid PRIMARY KEY, event_type text NOT NULL, routing_key text, bom_id uuid, organization_id text, project_id text,
    user_id text, source text, workflow_id text, workflow_run_id text, state jsonb, payload jsonb,
    created_at timestamptz NOT NULL DEFAULT now());
CREATE SCHEMA app;
CREATE TABLE app."Job ""events""" (
    herald_id text UNIQUE, seq bigint, channel text, name text, arrived timestamptz, "all" json, tenant text, status text,
    percent numeric CHECK (percent <= 100), tags text[], note text, ours int DEFAULT 7);
CREATE TABLE load (n int, never text UNIQUE, herald_id text);
GRANT USAGE ON SCHEMA app TO herald;
GRANT SELECT, INSERT ON enrichment_events, load, app."Job ""events""" TO herald;
SQL
my $jobs = 'app."Job ""events"""';

sub wait_sql { my ($sql, $want) = @_; my $got; wait_for(sub { ($got = $pg->sql($sql)) eq $want }, "$sql: $want", 60) && return $got }
sub wait_log { my $regex = shift; wait_for(sub { $h->sidecar_log =~ $regex }, "the log to say $regex", 60) }
sub bom { sprintf '123e4567-e89b-12d3-a456-42661417%04d', $_[0] }

# -- TLS: the certificate is checked
my $other = $h->path('other.pem');
system('openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=other -keyout '
        . $h->path('other.key') . " -out $other >/dev/null 2>&1") == 0 or die 'openssl';
$h->write_file('database.url', $pg->uri("sslmode=verify-full&sslrootcert=$other") . "\n");
$h->start_sidecar;
$h->start_nginx;
wait_log(qr/name=postgres\/enrichment reason="[^\n]*certificate verify failed/);
pass 'sslmode=verify-full: a certificate of an unknown authority is refused';
$h->write_file('database.url', $pg->uri('sslmode=verify-full&sslrootcert=' . $pg->authority) . "\n");
wait_log(qr/works again name=postgres\/enrichment/);
is $pg->sql("SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'herald'"), 't',
    'and the right one taken, without a restart: the file is read for each connection';

# -- which rows
my $progress = '{"event_id":"' . bom(1) . '","event_type":"enrichment.progress","routing_key":"customer.bom","bom_id":"' . bom(2)
    . '","organization_id":"org µ \"1\"","project_id":null,"source":"customer","workflow_id":7,"state":{"status":"enriching",'
    . '"percent_complete":45.0},"payload":{"batch":{"batch_number":5}},"created_at":"2025-12-16T14:32:30Z","extra":1}';
$h->redis_publish('enrichment:b1', $progress);
wait_sql('SELECT count(*) FROM enrichment_events', 1);
is $pg->sql('SET timezone = UTC; SELECT event_type, routing_key, bom_id, organization_id, project_id IS NULL, source, workflow_id, state, payload, '
        . 'created_at, user_id IS NULL FROM enrichment_events'),
    'enrichment.progress|customer.bom|' . bom(2) . '|org µ "1"|t|customer|7|{"status": "enriching", "percent_complete": 45.0}|'
    . '{"batch": {"batch_number": 5}}|2025-12-16 14:32:30+00|t', 'an enrichment event has a column for each member, by default';

my $job = '{"type":"step","state":{"status":"r\u00fcn","percent":12.50},"tags":["a","b \"c\""],"note":{"x":[1]}}';
$h->redis_publish('jobs:acme:a:b', $job);
$h->redis_publish('jobs:acme:2', '[1, 2]');
wait_sql("SELECT count(*) FROM $jobs", 2);
like $pg->sql("SET timezone = UTC; SELECT * FROM $jobs WHERE name = 'step'"),
    qr/^[0-9a-f]{8}-2\|2\|jobs:acme:a:b\|step\|20\d\d-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00\|\Q$job\E\|acme\|rün\|12.50\|\{a,"b \\"c\\""\}\|\{"x":\[1\]\}\|7$/,
    'columns by a map: id, channel and its parts, members of members, the whole event byte for byte; a schema, an odd name';
is $pg->sql("SELECT name IS NULL, status IS NULL, \"all\" FROM $jobs WHERE seq = 3"), 't|t|[1, 2]', 'what an event has not is NULL';

# -- a repeat is no second row
$pg->sql("INSERT INTO enrichment_events (event_id, event_type) VALUES ('${\bom(3)}', 'there already')");
$h->redis_publish('enrichment:b1', sprintf '{"event_id":"%s","event_type":"t","created_at":"2025-12-16"}', bom($_)) for 3, 3, 4;
wait_sql("SELECT count(*) FROM enrichment_events WHERE event_id = '${\bom(4)}'", 1);
is $pg->sql("SELECT event_type FROM enrichment_events WHERE event_id = '${\bom(3)}'"), 'there already',
    'what has a row already, whoever wrote it, gets no second one';

# -- kill -9 of the server and of the sidecar, while events pour in; nothing but the checkpoint tells repeats of these
my $n = 0;
sub load { $h->redis_publish('load:1', sprintf '{"n":%d,"fill":"%s"}', ++$n, 'f' x 300) for 1 .. $_[0] }
# What Redis has delivered while no sidecar listened is lost by nature: the journal says what there was.
sub journaled {
    my $text;
    wait_for(sub { $text = join '', map { Herald::Process::slurp($_) } sort glob $h->path('state/journal/*.jsonl'); $text =~ /"channel":"load:1","data":\{"n":$n,/ }, "event $n in the journal");
    return map { /^\{"id":"([^"]+)".*"channel":"load:1","data":\{"n":(\d+)/ ? "$1 $2" : () } split /\n/, $text;
}
load(500);
for my $round (1 .. 3) {
    $pg->kill;
    load(300);
    $h->kill_sidecar(9);
    $h->start_sidecar;
    load(100);
    $pg->start;
    load(200);
    $h->kill_sidecar(9);
    $h->start_sidecar;
    load(400);
}
my @journaled = journaled();
cmp_ok scalar @journaled, '>', 500, 'events came through all that';
wait_sql('SELECT count(*) FROM load', scalar @journaled);
is_deeply [sort split /\n/, $pg->sql("SELECT herald_id || ' ' || n FROM load")], [sort @journaled],
    'kill -9 of the server and the sidecar: each event of the journal has its row, once';

# -- the server stops, and hangs
$pg->stop;
load(200);
wait_log(qr/projection fails name=postgres\/load reason="connection to server[^\n]*Connection refused/);
$pg->start;
wait_sql('SELECT count(*) FROM load', scalar(journaled()));
pass 'a server that was stopped: what came meanwhile follows';

# -- a locked table
my $lock = $pg->session('BEGIN; LOCK TABLE load');
my $stream = $h->sse('/s/load:1');
$stream->next_block;
load(100);
# A worker that had not found the new sidecar yet shows what it missed, too.
1 until $stream->next_event->{data} =~ /"n":$n,/;
pass 'a locked table: streams go on';
$h->redis_publish('enrichment:b2', sprintf '{"event_id":"%s","event_type":"t","created_at":"2025-12-16"}', bom(5));
wait_sql("SELECT count(*) FROM enrichment_events WHERE event_id = '${\bom(5)}'", 1);
pass 'and other tables';
wait_log(qr/name=postgres\/load reason="canceling statement due to (?:statement|lock) timeout \(SQLSTATE 57014\)"/);
pass 'the log says what is waited for';
$lock->end;
wait_sql('SELECT count(*) FROM load', scalar(journaled()));
is $pg->sql('SELECT count(*) FROM (SELECT DISTINCT herald_id FROM load) x'), scalar(journaled()), 'when it is given back, the rows are there, once';

# -- a schema that lacks a column
$pg->sql('ALTER TABLE load DROP COLUMN n');
load(10);
wait_log(qr/feed=load reason="table load lacks the column \\"n\\"; add what is missing/);
pass 'a missing column is named';
$pg->sql('ALTER TABLE load ADD COLUMN n int');
wait_sql('SELECT count(*) FROM load', scalar(journaled()));
is $pg->sql('SELECT count(n) FROM load'), 10, 'and when it is added, the events that came meanwhile are there';

# -- rows that a table will never take
$h->redis_publish('jobs:acme:9', $_)
    for '{"state":{"percent":50},"note":"good"}', '{"state":{"percent":"a lot SECRET"}}', '{"state":{"percent":101}}', '{"state":{"percent":51},"note":"good"}';
wait_sql("SELECT count(*) FROM $jobs WHERE note = 'good'", 2);
my @dead = map { decode_json($_) } split /\n/, $h->read_file('state/postgres/dead.jsonl');
is_deeply [map { [@$_{qw(feed table sqlstate)}, $_->{row}{percent}, $_->{row}{channel}] } @dead],
    [['jobs', 'app.Job "events"', '22P02', 'a lot SECRET', 'jobs:acme:9'], ['jobs', 'app.Job "events"', '23514', 101, 'jobs:acme:9']],
    'rows of the wrong type or against a constraint are kept aside, the others inserted';
like $h->sidecar_log, qr/postgres refuses a row, which is kept aside feed=jobs id=[0-9a-f]{8}-\d+ sqlstate=22P02/, 'the log says so';
unlike $h->sidecar_log, qr/SECRET/, 'without what was in them';

# -- the end waits for nobody
$pg->signal('STOP');
my @backends = split /\n/, qx(pgrep -P ${\$pg->{process}->pid});
kill 'STOP', @backends;
load(50);
journaled();    # what a sidecar has not read yet when it ends is lost by nature
my $status = $h->stop_sidecar;
is $status, 0, 'a server that hangs does not hold up the end';
kill 'CONT', @backends;
$pg->signal('CONT');
$h->start_sidecar;
wait_sql('SELECT count(*) FROM load', scalar(journaled()));
is $pg->sql('SELECT count(*) FROM (SELECT DISTINCT herald_id FROM load) x'), scalar(journaled()), 'and what it had not written comes, once';

# -- several sidecars, one table
my $toml = $h->read_file('herald.toml') =~ s{(socket|state) = "([^"]+)"}{$1 = "$2.2"}gr;
my $second = Herald::Process->new(name => 'second', log => $h->path('second.log'),
    command => [$h->process('sidecar')->{command}[0], 'sidecar', '-c', $h->write_file('second.toml', $toml)])->start;
$second->wait_log($h->path('second.log'), qr/redis connected/, 0);
my $heard = 0;
$heard += $h->redis_publish('enrichment:b3', sprintf '{"event_id":"%s","event_type":"both","created_at":"2025-12-16"}', bom($_)) for 1001 .. 3000;
is $heard, 4000, 'two sidecars hear of each event';
my ($log, $last);
wait_for(sub {
    my $text = Herald::Process::slurp((sort glob $h->path('state/journal/*.jsonl'))[-1]);
    ($log, $last) = ($1, $2) if $text =~ /\{"id":"([0-9a-f]{8})-(\d+)"[^\n]*${\bom(3000)}/;
}, 'the last one in the journal');
wait_sql("SELECT count(*) FROM herald_checkpoints WHERE feed = 'enrichment' AND seq >= CASE log WHEN '$log' THEN $last ELSE 2000 END", 2);
is $pg->sql("SELECT count(*) FROM enrichment_events WHERE event_type = 'both'"), 2000, 'two sidecars insert into one table: each event once';
is $second->stop, 0, 'the second one ends';

# -- secrets
my $checked = qx(${\$h->process('sidecar')->{command}[0]} check ${\$h->path('herald.toml')});
is $?, 0, 'herald check';
like $checked, qr/feed load: .* inserted into /, 'says which table';
my $password = quotemeta $pg->password;
my ($encoded) = $pg->uri =~ /herald:(\S+?)@/;
unlike join('', $checked, $h->sidecar_log, $h->read_file('error.log'), $h->read_file('access.log')), qr/$password|$encoded/,
    'the password is in no log';

$h->finish;
done_testing;

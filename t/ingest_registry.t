# The registry of ingest runs, as conf.d/trafalgar.* has it watched: its events, its view, and a writer that is not careful.

use strict;
use warnings;
use JSON::PP qw(decode_json encode_json);
use Test::More;
use Herald;
use Herald::Jwt;
use Herald::Shipped;

my $token = 'a-token-for-ingest';
my $dir = File::Temp->newdir;
my $file = "$dir/cache/ingest_runs.json";
my %env = (
    ONEPIECE_INGEST_REGISTRY => $file,
    TRAFALGAR_SERVICE_CREDENTIALS => json_text([
        { id => 'ingest', token => $token, roles => ['ingest:read'] },
        { id => 'render', token => 'a-token-for-render', roles => ['render:read'] },
    ]),
    TRAFALGAR_SERVICE_CREDENTIAL_FILE => undef,
);
my $h = Herald->new(
    shipped('trafalgar', ports => { 8000 => 'PORT', 8001 => 'PORT2' }, replace => ['events=64', 'events=100000']),
    env => \%env);

sub get { return $h->http(GET => $_[0], Authorization => "Bearer $token") }
sub status { return get($_[0])->{status} }
sub ids { return [map { $_->{id} } @{ decode_json(get('/runs?limit=100')->{body}) }] }

# Opens, and so truncates, first; then writes what is given, piece by piece.
sub write_slowly {
    my (@pieces) = @_;
    open my $out, '>', $file or die $!;
    for my $piece (@pieces) {
        syswrite($out, $piece) // die $!;
    }
    close $out or die $!;
}
sub write_file { write_slowly(encode_json($_[0])) }
sub replace_file {
    open my $out, '>', "$file.new" or die $!;
    print $out encode_json($_[0]);
    close $out or die $!;
    rename "$file.new", $file or die $!;
}
sub run { my ($id, $day, %more) = @_; return { id => $id, started_at => "2026-11-${day}T10:00:00Z", %more } }

# -- nothing there yet, not even its directory
wait_for(sub { status('/runs') == 200 }, 'the view');
is get('/runs')->{body}, '[]', 'without a file there are no runs';
is $h->http(GET => '/runs')->{status}, 401, 'a token is needed';
is $h->http(GET => '/runs', Authorization => 'Bearer a-token-for-render')->{status}, 401, 'with its role';

my $sse = $h->sse('/ingest/runs/stream', headers => { Authorization => "Bearer $token" });
sub next_told {
    my $event = decode_json($sse->next_event->{data});
    return "$event->{event} $event->{run}{id}";
}

# -- it comes, changes and goes
mkdir "$dir/cache" or die $!;
write_file([run('run-1', 20), run('run-2', 21)]);
is next_told(), 'run.created run-1', 'a file that comes later is found: its runs are told, the oldest first';
is next_told(), 'run.created run-2', 'all of them';
is_deeply ids(), ['run-2', 'run-1'], 'and shown, the newest first';

my $full = run('run-2', 21, completed_at => '2026-11-21T13:30:00+02:00', report => {
    processed => [{ path => '/in/a.mov', bucket => 'b', key => 'k', media_info => {
        show_code => 'OP', episode => '01', scene => 's', shot => '010', descriptor => 'd', extension => 'mov' } }],
    invalid => [['/in/b.mov', 'bad name']], warnings => [],
});
replace_file({ runs => [run('run-1', 20), $full] });
my $event = decode_json($sse->next_event->{data});
my $expected = {
    id => 'run-2', started_at => '2026-11-21T10:00:00+00:00', completed_at => '2026-11-21T11:30:00+00:00',
    status => 'completed', report => {
        processed => $full->{report}{processed}, invalid => [{ path => '/in/b.mov', reason => 'bad name' }],
        processed_count => 1, invalid_count => 1,
    },
};
is_deeply $event, { event => 'run.updated', run => $expected }, 'a change is told, field by field';
for my $path ('/runs/run-2', '/ingest/runs/run-2') {
    is_deeply decode_json(get($path)->{body}), $expected, "$path: as it was told";
}
is_deeply decode_json(get('/ingest/runs?limit=1')->{body}), [$expected], 'the list, with a limit';

for my $limit (0, 101, 'ten') {
    my $bad = get("/runs?limit=$limit");
    is $bad->{status}, 422, "limit=$limit is refused";
    is_deeply decode_json($bad->{body})->{detail}[0]{loc}, ['query', 'limit'], '  in FastAPI\'s words';
}
my $missing = get('/runs/nobody');
is $missing->{status}, 404, 'an unknown run';
is $missing->{body}, '{"detail":"Run not found"}', 'is said to be none';

# -- no file access for a request
unlink $file or die $!;
is status('/runs/nobody'), 404, 'asked for over and over it is the same' for 1 .. 3;
is status('/runs/run-2'), 200, 'and a file that is gone takes nothing with it';
replace_file([run('run-1', 20), run('run-3', 22)]);
is next_told(), 'run.created run-3', 'what comes back is compared';
is next_told(), 'run.removed run-2', 'with what there was';
is status('/runs/run-2'), 404, 'a run that is removed is gone';

# -- a thousand times by a writer that truncates first
my (%state, @runs, $next, $failed, $wrong, $seen) = ('run-1' => 1, 'run-3' => 1);
@runs = (run('run-1', 20), run('run-3', 22));
$next = 4;
$failed = $wrong = $seen = 0;
srand 7;
for my $round (1 .. 1000) {
    my $dice = rand;
    if ($dice < 0.5) { push @runs, run('run-' . $next++, 10 + $round % 20) }
    elsif ($dice < 0.8) { $runs[rand @runs]{completed_at} = sprintf '2026-11-28T10:%02d:%02dZ', $round / 60, $round % 60 }
    elsif (@runs > 1) { splice @runs, rand @runs, 1 }
    my $json = encode_json($round % 2 ? \@runs : { runs => \@runs });
    my $cut = int rand length $json;
    write_slowly(substr($json, 0, $cut), substr($json, $cut));
    next if $round % 10;
    for my $path ('/runs', '/runs/run-1', '/runs/nobody') {
        ++$failed if status($path) >= 500;
    }
}
is $failed, 0, 'the view never fails meanwhile';

push @runs, run('run-last', 30);
write_file(\@runs);
while (1) {
    my $event = decode_json($sse->next_event->{data});
    next unless $event->{event};
    ++$seen;
    my ($what, $id) = ($event->{event}, $event->{run}{id});
    ++$wrong if $what eq 'run.created' ? $state{$id} : !$state{$id};
    $state{$id} = $what eq 'run.removed' ? 0 : 1;
    last if $id eq 'run-last';
}
is $wrong, 0, 'each run is created, updated and removed in this order';
# run-last is the newest of those created; what was updated or removed with it comes behind it.
my $last = { map { $_->{id} => 1 } @runs };
while (grep { !!$state{$_} ne !!$last->{$_} } keys %state) {
    my $event = decode_json($sse->next_event->{data});
    $state{ $event->{run}{id} } = $event->{event} eq 'run.removed' ? 0 : 1;
}
is_deeply [sort grep { $state{$_} } keys %state], [sort keys %$last], 'and in the end what was told is what is there';
my @newest = map { $_->{id} } sort { $b->{started_at} cmp $a->{started_at} } @runs;
is_deeply ids(), [@newest > 100 ? @newest[0 .. 99] : @newest], 'as is what is shown, the newest first';
note "$seen events of 1,001 files";

# -- kill -9 and restart: nothing again, nothing lost
$h->kill_sidecar('KILL');
push @runs, run('run-away', 30);
write_file(\@runs);
$h->start_sidecar;
my $told = $sse->next_event;
$told = $sse->next_event while $told && $told->{data} !~ /"event"/;
like $told->{data}, qr/"run.created", "run": \{"id":"run-away"/, 'after a crash only what has changed meanwhile is told';
push @runs, run('run-back', 30);
write_file(\@runs);
is next_told(), 'run.created run-back', 'and then what changes next';

# -- without Redis
$h->stop_redis;
wait_for(sub { $h->http(GET => '/healthz')->{status} == 503 }, 'the loss of Redis');
push @runs, run('run-alone', 30);
write_file(\@runs);
is next_told(), 'run.created run-alone', 'runs need no Redis';
$h->start_redis;

# -- what lasts is told
my $from = $h->log_size('sidecar');
open my $broken, '>', $file or die $!;
print $broken '[{"id":';
close $broken or die $!;
$h->wait_log('sidecar', qr/ingest registry .*is no registry, or not whole/, from => $from);
is status('/runs/run-alone'), 200, 'a malformed file takes nothing with it';
write_file(\@runs);
$h->wait_log('sidecar', qr/ingest registry is whole again/, from => $from);
pass 'and the log says when it is whole again';

$h->finish;
done_testing;

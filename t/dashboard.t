# The dashboard of conf.d/trafalgar.* as shipped: the document's example from published events and upstreams, who may see it, what
# is kept and for how long, upstreams that misbehave, and the project registry between ShotGrid and its file.

use strict;
use warnings;
use JSON::PP;
use Test::More;
use Herald;
use Herald::Backend;
use Herald::Shipped;
use Herald::Shotgrid;

my $token = 'a-token-for-the-dashboard';
my @bearer = (Authorization => "Bearer $token");
my $script_key = 'a-script-key+of/ShotGrid';
my $upstream_key = 'a-key-of-the-upstreams';
my ($h, $backend, $shotgrid);

# Nobody's home: the project registry is in the state directory, and that of runs, where the toml has one, is not there.
my $nowhere = File::Temp->newdir;
my %home = (HOME => undef, XDG_CACHE_HOME => undef, ONEPIECE_INGEST_REGISTRY => "$nowhere/ingest_runs.json");

# The shipped files, a sidecar that is not started yet, and everything that it will ask. `dashboard`: lines of [dashboard].
sub begin {
    my (%o) = @_;
    my %shipped = shipped('trafalgar', ports => { 8000 => 'PORT', 8001 => 'PORT2' });
    my $toml = delete $shipped{toml};
    $h = Herald->new(%shipped, sidecar => 0, env => {
        (map { $_ => undef } qw(ONEPIECE_DASHBOARD_CACHE_TTL ONEPIECE_DASHBOARD_CACHE_MAX_RECORDS ONEPIECE_DASHBOARD_CACHE_MAX_PROJECTS
            ONEPIECE_DASHBOARD_PROJECT_REGISTRY)), %home,
        TRAFALGAR_DASHBOARD_TOKEN => $token, SHOTGRID_SCRIPT_KEY => $script_key, UPSTREAM_KEY => $upstream_key, no_proxy => '*', %{ $o{env} || {} } });
    $backend = Herald::Backend->new($h, 'BACKEND');
    $shotgrid = Herald::Shotgrid->new($h, 'SHOTGRID', id => 'herald', secret => $script_key) if $o{shotgrid};
    my $upstream = 'http://127.0.0.1:' . $h->port('BACKEND');
    my $lines = join "\n", qq(status = "$upstream/status"), qq(review = "$upstream/review?key=hush"), 'token = "env:UPSTREAM_KEY"', 'timeout = "5s"', @{ $o{dashboard} || [] };
    $lines .= join "\n", '', '[dashboard.shotgrid]', 'url = "' . $shotgrid->url . '"', 'client_id = "herald"', 'client_secret = "env:SHOTGRID_SCRIPT_KEY"', @{ $o{shotgrid} }
        if $o{shotgrid};
    $toml =~ s/^\[dashboard\]$/[dashboard]\n$lines\n/m or die "no [dashboard] in trafalgar.toml\n";
    $h->write_toml($toml);
    start() unless $o{later};
}

# Returns when nginx has found the sidecar. The view `cache` asks nobody else.
sub start {
    $h->start_sidecar;
    wait_for(sub { $h->http(GET => '/admin/cache', @bearer)->{status} == 200 }, 'nginx to have found the sidecar');
}

sub end {
    $_ && $_->stop for $backend, $shotgrid;
    undef $shotgrid;
    unlike $h->access_log . $h->error_log . $h->sidecar_log, qr/\Q$token\E|\Q$script_key\E|\Q$upstream_key\E|hush/, 'no secret is in a log';
    $h->finish;
}

sub get { return $h->http(GET => $_[0], @bearer) }
sub json_of { my $answer = get($_[0]); die "$_[0]: $answer->{status} $answer->{body}\n" if $answer->{status} != 200; return decode_json($answer->{body}) }
sub metrics { return json_of('/metrics') }
sub cache { return json_of('/admin/cache') }
sub flush { return $h->http(POST => '/admin/cache', @bearer) }
sub asked { return scalar $backend->requests($_[0] // '/status') }
sub sums { return qq({"projects":$_[0],"shots":0,"versions":0,"errors":0}) }
sub shown { return metrics()->{status}{projects} }
sub compact { return $_[0] =~ s/\s+//gr }
my $zeros = '{"projects":0,"shots":0,"versions":0,"errors":0}';
my $no_review = '{"totals":{"projects":0,"playlists":0,"clips":0,"shots":0,"duration_seconds":0.0},"projects":[]}';

# The document's example response, byte for byte but for its white space.
my $example = compact(<<'JSON');
{
  "status": {"projects": 4, "shots": 128, "versions": 512, "errors": 3},
  "ingest": {
    "counts": {"total": 10, "successful": 9, "failed": 1, "running": 0},
    "last_success_at": "2024-05-08T09:30:00+00:00",
    "failure_streak": 0
  },
  "render": {
    "jobs": 6,
    "by_status": {"completed": 4, "running": 1, "failed": 1},
    "by_farm": {"mock": 5, "tractor": 1}
  },
  "review": {
    "totals": {"projects": 3, "playlists": 7, "clips": 42, "shots": 28, "duration_seconds": 963.5},
    "projects": [{"project": "alpha", "playlists": 3, "clips": 18, "shots": 12, "duration_seconds": 450.0}]
  }
}
JSON

# -- the document's example
begin(env => { ONEPIECE_DASHBOARD_CACHE_TTL => '45', ONEPIECE_DASHBOARD_CACHE_MAX_RECORDS => '123', ONEPIECE_DASHBOARD_CACHE_MAX_PROJECTS => '7' });
is get('/admin/cache')->{body}, '{"ttl_seconds":45.0,"max_records":123,"max_projects":7,"buckets":{'
    . '"status":{"entries":0,"projects":{},"last_refresh":null},"review":{"entries":0,"projects":{},"last_refresh":null},'
    . '"projects":{"entries":0,"last_refresh":null}}}', 'the settings of the environment, and nothing kept so far';
is asked() + asked('/review?key=hush'), 0, 'no upstream is asked before somebody looks';

my @versions = map {
    my $n = $_;
    { project => qw(alpha beta gamma delta) [$n % 4], shot => 'sh' . ($n % 128), version => "v$n", $n < 3 ? (errors => 1) : () }
} 0 .. 511;
$backend->answer('/status' => 200, encode_json({ versions => \@versions }));
$backend->answer('/review?key=hush' => 200, <<'JSON');
{"totals":{"projects":3,"playlists":7,"clips":42,"shots":28,"duration_seconds":963.5},
 "projects":[{"project":"alpha","playlists":3,"clips":18,"shots":12,"duration_seconds":450.0}]}
JSON
my @jobs = (['completed', 'mock'], ['completed', 'mock'], ['completed', 'mock'], ['completed', 'tractor'], ['running', 'mock'], ['failed', 'mock']);
for my $i (0 .. $#jobs) {
    my %job = (job_id => "stub-$i", status => 'queued', farm => $jobs[$i][1], farm_type => 'stub', message => undef);
    $h->redis_publish('trafalgar:render', encode_json({ event => 'job.created', job => \%job }));
    $h->redis_publish('trafalgar:render', encode_json({ event => 'job.updated', job => { %job, status => $jobs[$i][0] } }));
}
for my $i (0 .. 9) {
    my $failed = $i == 4;
    $h->redis_publish('trafalgar:ingest', encode_json({ event => 'run.created', run => { id => "run-$i", started_at => "2024-05-08T0$i:00:00+00:00",
        completed_at => "2024-05-08T0$i:30:00+00:00", status => 'completed',
        report => { processed => [], invalid => $failed ? [{ path => 'x', reason => 'y' }] : [], processed_count => 1, invalid_count => $failed ? 1 : 0 } } }));
}
wait_for(sub { my $m = metrics(); $m->{render}{by_status}{failed} && $m->{ingest}{counts}{total} == 10 }, 'the views');
is_deeply metrics(), decode_json($example), "the document's example response, field by field";
my $body = get('/metrics');
is length $body->{body}, length $example, '  and nothing else';
is $body->{headers}{'content-type'}, 'application/json', '  as JSON';
like $body->{body}, qr/"duration_seconds":963\.5.*"duration_seconds":450\.0/, '  with numbers written as it has them';
is $h->http(GET => '/metrics', @bearer, 'If-None-Match' => $body->{headers}{etag})->{status}, 304, '  and an ETag';
is asked(), 1, 'however often it was looked at, the upstream was asked once';
like +($backend->requests('/status'))[0], qr/^Authorization: Bearer \Q$upstream_key\E\r$/m, '  with its token';
my $kept = cache();
is $kept->{buckets}{status}{entries}, 4 * 123, 'of each of the four projects the newest 123 versions are kept';
is $kept->{buckets}{status}{projects}{alpha}, 123, '  so many';
like $kept->{buckets}{$_}{last_refresh}, qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, "  and when: $_" for qw(status review);

# -- who may see it
for my $path ('/metrics', '/admin/cache', '/projects') {
    for my $headers ([], [Authorization => 'Bearer wrong'], [Authorization => "Basic $token"]) {
        my $answer = $h->http(GET => $path, @$headers);
        is "$answer->{status} $answer->{body}", '401 {"detail":"Invalid authentication token."}', "$path: not for everybody";
    }
}
is $h->http(POST => '/admin/cache')->{status}, 401, 'nobody flushes anonymously';
isnt cache()->{buckets}{status}{last_refresh}, undef, '  nothing happened';

# -- a flush
$backend->answer('/status' => 200, sums(5));
my $flushed = flush();
is $flushed->{status}, 200, 'a flush without a body';
is_deeply decode_json($flushed->{body})->{buckets}{status}, { entries => 0, projects => {}, last_refresh => undef }, '  after which nothing is kept';
is asked(), 1, '  the upstream is not asked yet';
is shown(), 5, '  but by the next request, which waits for it';
is asked(), 2, '  once';
is flush()->{status}, 200, 'a second flush';
is $h->http(POST => '/admin/cache', @bearer, ':body' => '{"flush":true}', 'Content-Length' => 14)->{status}, 200, 'one with a body';
$backend->hold('/status');
$backend->answer('/status' => 200, sums(6));
my $waiting = $h->connect;
$waiting->write("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer $token\r\n\r\n");
wait_for(sub { asked() == 3 }, 'the upstream to be asked');
$backend->release('/status');
like $waiting->read_until(qr/"projects":\d+/), qr/"status":\{"projects":6/, 'who comes first waits for the upstream';
end();

# -- time to live, discarded and evicted
begin(env => { ONEPIECE_DASHBOARD_CACHE_TTL => '0.05', ONEPIECE_DASHBOARD_CACHE_MAX_RECORDS => '2', ONEPIECE_DASHBOARD_CACHE_MAX_PROJECTS => '1' });
$backend->answer('/status' => 200, sums(1));
is shown(), 1, 'asked for';
$backend->answer('/status' => 200, sums(2));
wait_for(sub { shown() == 2 }, 'new data');
pass 'expired data are refreshed by those who look';
$backend->hold('/status');
my $before = asked();
wait_for(sub { shown() == 2 && asked() > $before }, 'a refresh');
is shown(), 2, 'meanwhile the old ones are served' for 1 .. 3;
is asked(), $before + 1, '  and one refresh is under way, no more';
$backend->answer('/status' => 200, sums(3));
$backend->release('/status');
wait_for(sub { shown() == 3 }, 'newer data');
pass '  until it has come';
end();

begin(env => { ONEPIECE_DASHBOARD_CACHE_MAX_RECORDS => '2', ONEPIECE_DASHBOARD_CACHE_MAX_PROJECTS => '1' });
$backend->answer('/status' => 200, encode_json([
    (map { { project => 'old', shot => 's', version => "v$_", created_at => "2024-01-0${_}T00:00:00Z" } } 1 .. 3),
    (map { { project => 'new', shot => 's', version => "v$_", created_at => "2024-02-0${_}T00:00:00Z" } } 3, 1, 2)]));
$backend->answer('/review?key=hush' => 200, '[{"project":"new","clips":["a","b"],"shots":["s"],"duration_seconds":1.5}]');
is_deeply metrics()->{status}, { projects => 2, shots => 2, versions => 6, errors => 0 }, 'sums are those of all that there is';
is_deeply cache()->{buckets}{status}{projects}, { new => 2 }, 'kept are the newest records of the newest project';
is_deeply [map { $_->{version} } @{ json_of('/projects/new')->{versions} }], ['v3', 'v2'], '  the oldest are discarded';
is asked(), 1, '  what is kept is not asked for';
my $old = json_of('/projects/old');
is_deeply [$old->{status}, scalar @{ $old->{versions} }], [{ shots => 1, versions => 3, errors => 0 }, 2], 'an evicted project comes back for who asks for it';
is asked(), 2, '  by way of the upstream';
is_deeply cache()->{buckets}{status}{projects}, { old => 2 }, '  and the one least recently used goes';
is get('/projects/of-nobody')->{body}, '{"detail":"Project not found"}', 'a project that nobody has';
is get('/projects/of-nobody')->{status}, 404, '  is not found';
end();

# -- upstreams that misbehave
begin(dashboard => ['max_bytes = "1K"', 'max_redirects = 1'], env => { ONEPIECE_DASHBOARD_CACHE_TTL => '0' });
$backend->answer('/status' => 500, '');
is compact(get('/metrics')->{body}), qq({"status":$zeros,"ingest":{"counts":{"total":0,"successful":0,"failed":0,"running":0},"last_success_at":null,"failure_streak":0},)
    . qq("render":{"jobs":0,"by_status":{},"by_farm":{}},"review":$no_review}), 'the whole schema, whatever is missing';
$backend->answer('/status' => 200, sums(7));
wait_for(sub { shown() == 7 }, 'the first good answer');
my $elsewhere = 'Location: http://localhost:' . $h->port('BACKEND') . "/other\r\n";
$backend->answer('/other' => 200, sums(99));
$backend->answer('/loop' => 302, '', "Location: /loop\r\n");
for my $case (
    [qr/HTTP status 503/, 503, ''], [qr/HTML or XML, not JSON/, 200, '<html>down</html>'], [qr/ends in the middle/, 200, '{"projects":9,'],
    [qr/larger than 1024 bytes/, 200, sums(9) . ' ' x 2000], [qr/more than 1 redirects/, 302, '', "Location: /loop\r\n"],
    [qr/redirected to another host/, 302, '', $elsewhere], [qr/none of projects, shots/, 200, '{"detail":"maintenance"}'])
{
    my ($reason, @answer) = @$case;
    my $from = $h->log_size('sidecar');
    $backend->answer('/status' => @answer);
    wait_for(sub { shown() == 7 && substr($h->sidecar_log, $from) =~ $reason }, "a failure: $reason");
    pass "the last good stays: $reason";
}
is scalar($backend->requests('/other')), 0, 'the token went nowhere else';
is scalar(() = $h->sidecar_log =~ /section=status .*reason="HTTP status 503"/g), 1, 'each failure is told once';
like $h->sidecar_log, qr{section=review source=http://127\.0\.0\.1:\d+/review reason}, '  with the URL less its query';
$backend->answer('/status' => 200, sums(8));
wait_for(sub { shown() == 8 }, 'the upstream to be back');
like $h->sidecar_log, qr/dashboard section is well again section=status/, '  and so is its end';
end();

begin(dashboard => ['cache_ttl = "1d"'], env => { ONEPIECE_DASHBOARD_CACHE_TTL => 'soon', ONEPIECE_DASHBOARD_CACHE_MAX_RECORDS => '0', ONEPIECE_DASHBOARD_CACHE_MAX_PROJECTS => '-3' });
my $settings = cache();
is_deeply [@$settings{qw(ttl_seconds max_records max_projects)}], [86400, 100000, 10000], 'what the environment says wrong is brought within bounds';
is scalar(() = $h->sidecar_log =~ / WARN .*ONEPIECE_DASHBOARD_CACHE_TTL/g), 1, '  with one warning';
is scalar(() = $h->sidecar_log =~ / WARN .*ONEPIECE_DASHBOARD_CACHE_MAX_\w+/g), 2, '  each';
$backend->hold('/status');
is shown(), 0, 'an upstream that says nothing is waited for no longer than its time';
is shown(), 0, '  and not twice in a row';
$backend->release('/status');
end();

# -- the project registry
my $registry = '';    # its file
sub roster { return eval { json_of('/projects') } // [] }
sub await_roster { my ($names, $what) = @_; wait_for(sub { "@{roster()}" eq $names }, "the projects $names"); pass $what }
sub file_text { return Herald::Process::slurp($registry) }

begin(later => 1, shotgrid => ['page_size = 2']);
$registry = $h->path('state/dashboard-projects.json');
$shotgrid->projects({ name => ' delta ' }, { name => 'alpha' }, { name => 'gone', archived => JSON::PP::true }, { name => undef, code => 'beta' }, { name => 'alpha' });
start();
await_roster('alpha beta delta', 'hydrated from all pages, less what is archived');
is_deeply [$shotgrid->asked], ['token', 'page 1', 'page 2', 'page 3'], '  by a token and page by page';
wait_for(sub { -e $h->path('state/dashboard-projects.synced') }, 'the file');
is file_text(), qq([\n  "alpha",\n  "beta",\n  "delta"\n]\n), 'the file is the sorted array alone';
is Herald::Process::slurp($h->path('state/dashboard-projects.synced')), cache()->{buckets}{projects}{last_refresh} . "\n", 'the sync time is kept beside it';

$shotgrid->projects({ name => 'alpha' }, { name => 'delta', archived => JSON::PP::true }, { name => 'epsilon' });
flush();
await_roster('alpha epsilon', 'a flush asks again: what is archived or gone is pruned');
wait_for(sub { file_text() eq qq([\n  "alpha",\n  "epsilon"\n]\n) }, 'the file');
pass '  from the file, too';

# Failures, each over a restart, so that what is served can only be the file's.
for my $case (['500', qr/HTTP status 500/], ['401', qr/page 1: HTTP status 401/], ['no_token', qr/no access token: HTTP status 400/], ['half', qr/page 1: the answer is JSON that ends in the middle/]) {
    my ($behaviour, $reason) = @$case;
    $h->stop_sidecar;
    $shotgrid->behave($behaviour);
    my $from = $h->log_size('sidecar');
    start();
    await_roster('alpha epsilon', "ShotGrid fails ($behaviour): the file is served");
    $h->wait_log('sidecar', $reason, from => $from);
    is file_text(), qq([\n  "alpha",\n  "epsilon"\n]\n), '  and stays as it is';
    $shotgrid->projects({ name => 'alpha' }, { name => "after $behaviour" });
    $shotgrid->behave('well');
    await_roster("after $behaviour alpha", '  until ShotGrid is back, which is found out by itself');
    $shotgrid->projects({ name => 'alpha' }, { name => 'epsilon' });
    flush();
    await_roster('alpha epsilon', '  and what it has counts');
    wait_for(sub { file_text() eq qq([\n  "alpha",\n  "epsilon"\n]\n) }, 'the file');
}
$h->stop_sidecar;
$shotgrid->stop;
start();
await_roster('alpha epsilon', 'ShotGrid is not there at all: the file is served');
$h->stop_sidecar;
$shotgrid->hold;
$shotgrid->start;
my $requests = $shotgrid->asked;
start();
wait_for(sub { $shotgrid->asked > $requests }, 'ShotGrid to be asked');
await_roster('alpha epsilon', 'ShotGrid is slow: the file is served meanwhile');
is get('/metrics')->{status}, 200, '  and so is everything else';
$shotgrid->projects({ name => 'zeta' });
$shotgrid->release;
await_roster('zeta', '  until it answers');
is $h->http(POST => '/projects', @bearer)->{status}, 200, 'the registry can be flushed by itself';

# A file that cannot be written: a directory is in its place, as root may write everywhere else.
$h->stop_sidecar;
unlink $registry or die $!;
mkdir $registry or die $!;
mkdir "$registry/occupied" or die $!;
my $from = $h->log_size('sidecar');
$shotgrid->projects({ name => 'eta' });
start();
await_roster('eta', 'memory goes on without a file');
$h->wait_log('sidecar', qr/WARN project registry's file not written/, from => $from);
rmdir "$registry/occupied" or die $!;
rmdir $registry or die $!;
$h->wait_log('sidecar', qr/project registry's file is written again/, from => $from);
is file_text(), qq([\n  "eta"\n]\n), '  which is written when it can be';
is scalar(() = substr($h->sidecar_log, $from) =~ /file not written/g), 1, '  and was told once';
end();

# -- not configured
{
    my %shipped = shipped('trafalgar', ports => { 8000 => 'PORT', 8001 => 'PORT2' });
    $h = Herald->new(%shipped, env => { TRAFALGAR_DASHBOARD_TOKEN => undef, %home });
    for my $path ('/metrics', '/admin/cache', '/projects') {
        for my $headers ([], [Authorization => 'Bearer wrong'], [Authorization => 'Bearer demo-dashboard-token'], [Authorization => 'Bearer ']) {
            my $answer = $h->http(GET => $path, @$headers);
            is "$answer->{status} $answer->{body}", '503 {"detail":"Dashboard authentication token is not configured."}', "$path without a token in the environment: closed";
        }
    }
    is $h->http(POST => '/admin/cache')->{status}, 503, 'also for a flush';
    $h->finish;
}

done_testing;

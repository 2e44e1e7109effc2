# herald_view: a view of the sidecar over HTTP, its tag, its flush, and what it is through kill -9.

use strict;
use warnings;
use JSON::PP qw(decode_json);
use Test::More;
use Herald;

my $h = Herald->new(env => { VIEW_TOKEN => 'a-token-for-views', NO_TOKEN => undef }, conf => <<'CONF', toml => <<'TOML');
worker_processes 2;
env VIEW_TOKEN;
env NO_TOKEN;
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    herald_static_token env:VIEW_TOKEN;
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT2%% ssl http2;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        location = /render { herald_view render; }
        location = /ingest { herald_view ingest; }
        location = /nobody { herald_view nobody; }
        location ~ ^/views/(?<what>.*)$ { herald_view $what; }
        location ~ (?s)^/render/(?<id>.*)$ { herald_view render/$id; }
        location = /guarded {
            herald_auth static;
            herald_denied 'body={"detail":"no ($herald_auth_status)"}';
            herald_cors https://app.example credentials;
            herald_view render;
        }
        location = /closed {
            herald_static_token env:NO_TOKEN;
            herald_auth static;
            herald_view render;
        }
        location = /gzip { gzip on; gzip_min_length 1; gzip_types application/json; herald_view render; }
        location = /page { ssi on; default_type text/html; root %%DIR%%; }
        location = /status { herald_status; }
    }
}
CONF
%%SIDECAR%%
[[feed]]
name = "trafalgar"
channels = "trafalgar:{what}"
[[view]]
name = "render"
kind = "jobs"
channels = "trafalgar:render"
[[view]]
name = "ingest"
kind = "runs"
channels = "trafalgar:ingest"
TOML

sub wait_attached {
    my $count = shift;
    wait_for(sub { $count == (() = $h->http(GET => '/status')->{body} =~ /"attached":1/g) }, "$count attached workers");
}
sub job {
    my ($event, $id, %members) = @_;
    my $members = join '', map { qq(, "$_": "$members{$_}") } sort keys %members;
    $h->redis_publish('trafalgar:render', qq({"event": "job.$event", "job": {"job_id": "$id"$members}}));
}
sub run {
    my ($event, $id, $members) = @_;
    $h->redis_publish('trafalgar:ingest', qq({"event": "run.$event", "run": {"id": "$id"$members}}));
}
# Until a view is as it should be; the answer that showed it.
sub await_view {
    my ($path, $document) = @_;
    my $last;
    return eval {
        wait_for(sub { $last = $h->http(GET => $path); $last->{body} eq $document && $last }, $document);
    } // die "$path is $last->{body}\n";
}
sub jobs_document {
    my (%o) = @_;
    my $text = sub { join ',', map { qq("$_":$_[0]{$_}) } sort keys %{ $_[0] } };
    return qq({"jobs":$o{jobs},"by_status":{@{[$text->($o{status})]}},"by_farm":{@{[$text->($o{farm})]}}});
}

# -- empty
wait_attached(2);
my $empty = await_view('/render', '{"jobs":0,"by_status":{},"by_farm":{}}');
is $empty->{status}, 200, 'a view without events is there';
is $empty->{headers}{'content-type'}, 'application/json', 'as JSON';
is $empty->{headers}{'cache-control'}, 'no-cache', 'that caches ask for again';
like $empty->{headers}{etag}, qr/\A"[0-9a-f]{16}"\z/, 'with a strong tag';
is_deeply decode_json(await_view('/ingest', $h->http(GET => '/ingest')->{body})->{body}),
    { counts => { total => 0, successful => 0, failed => 0, running => 0 }, last_success_at => undef, failure_streak => 0 },
    'runs, too';

# -- the example of the document
job(created => $_, status => 'queued', farm => 'mock', farm_type => 'stub') for 1 .. 6;
job(updated => $_, status => 'completed') for 1 .. 4;
job(updated => 4, farm => 'tractor');
job(updated => 5, status => 'running');
job(updated => 6, status => 'failed');
my $example = jobs_document(
    jobs => 6, status => { completed => 4, running => 1, failed => 1 }, farm => { mock => 5, tractor => 1 });
my $render = await_view('/render', $example);

run(created => "run-$_",
    qq(, "started_at": "2024-05-08T0$_:00:00+00:00", "completed_at": "2024-05-08T0$_:30:00+00:00", )
        . qq("status": "completed", "report": {"invalid_count": @{[$_ == 2 ? 1 : 0]}})) for 0 .. 9;
await_view('/ingest', '{"counts":{"total":10,"successful":9,"failed":1,"running":0},'
    . '"last_success_at":"2024-05-08T09:30:00+00:00","failure_streak":0}');

# -- what is no event of a view harms nobody
my $from = $h->log_size('sidecar');
$h->redis_publish('trafalgar:render', $_) for '1', '[]', '"text"', '{"event":"job.created"}', '{"event":"job.lost","job":{"job_id":"x"}}';
$h->wait_log('sidecar', qr/WARN views: an event is not understood.* view=render channel=trafalgar:render/, from => $from);
job(updated => 1, status => 'completed');    # nothing new
is await_view('/render', $example)->{headers}{etag}, $render->{headers}{etag}, 'the same view has the same tag';

# -- tags
my $tag = $render->{headers}{etag};
for my $match ($tag, "W/$tag", qq("x", W/"y" , $tag), '*', qq("0000000000000001",$tag)) {
    my $same = $h->http(GET => '/render', 'If-None-Match' => $match);
    is $same->{status}, 304, "$match: not modified";
    is $same->{headers}{etag}, $tag, '  with its tag';
    is $same->{headers}{'cache-control'}, 'no-cache', '  and asked for again';
    is $same->{headers}{'content-type'}, undef, '  without a body';
}
for my $other ($empty->{headers}{etag}, '""', 'nonsense', '"' . 'f' x 17 . '"') {
    is $h->http(GET => '/render', 'If-None-Match' => $other)->{body}, $example, "$other: another one";
}
is $h->http(GET => '/render', 'If-None-Match' => $tag, 'If-Modified-Since' => 'Sat, 21 Nov 2026 10:00:00 GMT')->{status}, 304,
    'a tag counts for more than a date';

# -- HEAD
my $head = $h->http(HEAD => '/render');
is $head->{status}, 200, 'HEAD';
is $head->{headers}{'content-length'}, length $example, '  says how long it would be';
is $head->{headers}{etag}, $tag, '  and its tag';
is $h->http(HEAD => '/render', 'If-None-Match' => $tag)->{status}, 304, '  or that nothing is new';

# -- POST
for my $body (undef, '', '{}', 'x' x 300_000) {
    my $flushed = $h->http(POST => '/render', 'If-None-Match' => $tag, (defined $body ? (':body' => $body) : ()));
    is $flushed->{status}, 200, 'a flush with ' . (defined $body ? length $body : 'no') . ' bytes of body';
    is $flushed->{body}, $example, '  answers the view';
    is $flushed->{headers}{etag}, undef, '  without a tag';
}
$h->wait_log('sidecar', qr/views: a view is made anew view=render/);
is $h->http(GET => '/render')->{body}, $example, 'made anew it is the same';
my $two = $h->connect;
$two->write("POST /render HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        . "5\r\nhello\r\n0\r\n\r\nGET /render HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
is +(() = $two->read_all =~ /"jobs":6/g), 2, 'the connection of a flush goes on';

# -- other methods
for my $method (qw(PUT DELETE PATCH OPTIONS)) {
    my $bad = $h->http($method => '/render', $method eq 'PUT' ? (':body' => 'x') : ());
    is $bad->{status}, 405, "$method is not allowed";
    is $bad->{headers}{allow}, 'GET, HEAD, POST', '  and told what is';
}

# -- names and items
is $h->http(GET => '/views/render')->{body}, $example, 'a name may be a variable';
for my $path ('/nobody', '/views/nobody', '/views/', '/views/' . 'x' x 65) {
    my $none = $h->http(GET => $path);
    is $none->{status}, 404, substr($path, 0, 20) . ': no such view';
    is $none->{body}, '{"detail":"No such view"}', '  and said so';
    is $none->{headers}{etag}, undef, '  without a tag';
}
for my $path ('/render/x', '/views/render/x/y', '/render/' . 'x' x 1024) {
    is $h->http(GET => $path)->{body}, '{"detail":"The view has no items"}', substr($path, 0, 20) . ': no item';
}
is $h->http(GET => $_)->{status}, 400, substr($_, 0, 20) . ': no item can be called so'
    for '/render/a%0ab', '/render/%ff', '/render/' . 'x' x 1025, '/render?' . 'q' x 1025;

# -- tokens, browsers, compression, pages
is $h->http(GET => '/guarded')->{body}, '{"detail":"no (none)"}', 'without a token: refused';
is $h->http(GET => '/guarded', Authorization => 'Bearer wrong')->{status}, 401, 'with a wrong one, too';
my %token = (Authorization => 'Bearer a-token-for-views');
is $h->http($_ => '/guarded', %token)->{status}, 200, "$_ with the token" for qw(GET POST);
is $h->http(POST => '/guarded')->{status}, 401, 'a flush needs the token as well';
is $h->http(GET => '/closed', %token)->{status}, 503, 'without a token to compare with: 503';
my $preflight = $h->http(OPTIONS => '/guarded', Origin => 'https://app.example', 'Access-Control-Request-Method' => 'POST');
is $preflight->{status}, 200, 'a preflight';
is $preflight->{headers}{'access-control-allow-methods'}, 'GET, POST, OPTIONS', '  allows a flush';
is $h->http(GET => '/guarded', %token, Origin => 'https://app.example')->{headers}{'access-control-allow-origin'},
    'https://app.example', 'a page of this origin may look';
my $gzip = $h->http(GET => '/gzip', 'Accept-Encoding' => 'gzip');
is $gzip->{headers}{etag}, "W/$tag", 'compressed, the tag is weak';
is $h->http(GET => '/gzip', 'Accept-Encoding' => 'gzip', 'If-None-Match' => $gzip->{headers}{etag})->{status}, 304,
    '  and found again';
$h->write_file('page', '<p><!--# include virtual="/render" --></p>');
is $h->http(GET => '/page', 'If-None-Match' => $tag)->{body}, "<p>$example</p>", 'a part of a page';
my ($code, $output) = $h->curl('--http2', '-i', 'https://127.0.0.1:' . $h->port('PORT2') . '/render');
like $output, qr{\AHTTP/2 200.*\Q$example\E\z}s, 'over HTTP/2';

# -- without the sidecar, and back after kill -9
$h->kill_sidecar;
wait_for(sub { $h->http(GET => '/render')->{status} == 503 }, 'the loss to be noticed') for 1 .. 4;
wait_attached(0);
my $away = $h->http(GET => '/render');
is $away->{status}, 503, 'without a sidecar: 503';
is $away->{body}, '{"detail":"Views unavailable"}', '  and why';
is $away->{headers}{'retry-after'}, 1, '  and when to come again';
is $h->http(POST => '/render', ':body' => 'x')->{status}, 503, 'a flush, too';
$h->start_sidecar;
wait_attached(2);
is await_view('/render', $example)->{headers}{etag}, $tag, 'after kill -9 the view is the same, and has the same tag';

# Killed while events come: what is in the journal is in the view, once.
job(updated => "more-$_", status => 'queued', farm => 'mock') for 1 .. 2000;
$h->kill_sidecar;
$h->start_sidecar;
wait_attached(2);
job(removed => "more-$_") for 1 .. 2000;
await_view('/render', $example);

# From its checkpoint, and from one that is damaged.
my $checkpoint = $h->path('state/views/checkpoint');
wait_for(sub { -s $checkpoint }, 'a checkpoint');
$h->kill_sidecar;
$h->start_sidecar;
wait_attached(2);
await_view('/render', $example);
unlike $h->sidecar_log, qr/ views: .*anew.*(?:checkpoint|path)|ERROR/, 'a checkpoint is gone on from';
$h->kill_sidecar;
my $bytes = $h->read_file('state/views/checkpoint');
substr($bytes, length($bytes) / 2, 1) ^= "\x01";
$h->write_file('state/views/checkpoint', $bytes);
$h->start_sidecar;
wait_attached(2);
await_view('/render', $example);
like $h->sidecar_log, qr/ERROR views: the checkpoint cannot be read, making them anew/, 'a damaged checkpoint is told';

# -- what nginx -t says
for my $case (
    ['herald_view a/;' => undef],
    ['herald_view "";' => qr/view "" is invalid, it must be a name of 1 to 64 bytes/],
    ['herald_view /x;' => qr/view "\/x" is invalid/],
    ['herald_view render; herald_view ingest;' => qr/"herald_view" is duplicate/],
    ['herald_view render; herald_status;' => qr/conflicts with another content handler/],
    ['herald_view;' => qr/invalid number of arguments/])
{
    my ($line, $expected) = @$case;
    my ($status, $said) = nginx_t("events {} http { %%TEMP_PATHS%% server { location / { $line } } }");
    if (defined $expected) {
        isnt $status, 0, "$line: refused";
        like $said, $expected, '  and why';
    } else {
        is $status, 0, "$line: taken";
    }
}

$h->finish;
done_testing;

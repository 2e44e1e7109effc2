package Herald;

# The harness of the integration tests: a real redis-server, the sidecar and nginx with the module, on
# free ports of 127.0.0.1 and in a temporary directory, gone when the test ends however it ends.
#
# A test file shows its whole nginx.conf and herald.toml; the harness replaces placeholders and puts in
# front of the conf only what depends on the machine (daemon, pid, error_log, user, load_module):
#
#     %%PORT%% %%PORT2%% %%PORT3%%   free ports, held until the end      %%DIR%%     the directory
#     %%SOCKET%%  unix socket of the sidecar (a path)                   %%MODULE%%  path of the module
#     %%REDIS%%   redis://127.0.0.1:PORT/0   (%%REDIS_PORT%%: the port)  %%CERT%% %%KEY%%  self-signed
#     %%TEMP_PATHS%%  for http{}: temporary paths and access_log in %%DIR%%
#     %%SIDECAR%%     [sidecar] and [redis] of a herald.toml: %%SOCKET%%, state in %%DIR%%, %%REDIS%%
#
#     use Herald;
#     my $h = Herald->new(conf => <<'CONF', toml => <<'TOML');
#     my $sse = $h->sse('/events');
#     is $h->redis_publish('jobs:1', '{"n":1}'), 1;
#     is $sse->next_event->{data}, '{"n":1}';
#     $h->finish; done_testing;
#
# Environment: HERALD_BUILD (build), HERALD_NGINX (nginx), HERALD_SANITIZE (preloads clang's
# sanitizers into nginx), HERALD_IO_URING (herald_io_uring on; in every conf that does not have it),
# HERALD_KEEP (the directory stays).

use strict;
use warnings;

use Exporter qw(import);
use File::Path;
use File::Spec;
use File::Temp;
use IO::Socket::INET;
use Scalar::Util qw(weaken);
use Socket qw(SO_REUSEADDR SOL_SOCKET);
use Test::More ();

use Herald::Http;
use Herald::Process;
use Herald::Redis;
use Herald::SSE;
use Herald::Services;
use Herald::Stream;
use Herald::WS;

our @ISA = qw(Herald::Services);
our @EXPORT = qw(nginx_t wait_for);

my $BUILD = File::Spec->rel2abs($ENV{HERALD_BUILD} || 'build');
my $NGINX = $ENV{HERALD_NGINX} || 'nginx';
my $MODULE = "$BUILD/ngx_http_herald_module.so";
my @alive;    # every harness that still has to be cleaned up

# --- A test's set-up ----------------------------------------------------------------------------

# Options: conf, toml (text); redis, sidecar, nginx, module (each 1: 0 leaves it out); allow (a regex:
# lines of the logs that may hold an alert); env (hash for nginx and the sidecar; undef unsets); program
# (the sidecar's, in place of `herald`).
sub new {
    my ($class, %o) = @_;
    my $self = bless {
        redis => 1, sidecar => 1, nginx => 1, module => 1, %o,
        owner => $$, dir => File::Temp->newdir('herald-XXXXXXXX', TMPDIR => 1, CLEANUP => 0),
        allowed => [$o{allow} // ()], problems => [],
    }, $class;
    push @alive, $self;
    weaken $alive[-1];
    $SIG{$_} //= sub { exit 1 } for qw(INT TERM HUP);    # so that END runs

    chmod 0755, $self->dir;
    my %env = (REDIS_URL => undef, %{ $o{env} || {} });
    $self->{process}{redis} = Herald::Process->new(
        name => 'redis', log => $self->path('redis.log'),
        command => ['redis-server', '--bind', '127.0.0.1', '--port', $self->redis_port,
            '--save', '', '--appendonly', 'no', '--dir', $self->dir]);
    $self->{process}{sidecar} = Herald::Process->new(
        name => 'sidecar', log => $self->path('sidecar.log'), env => \%env,
        command => [$o{program} // "$BUILD/herald", 'sidecar', '-c', $self->path('herald.toml')]);
    $self->{process}{nginx} = Herald::Process->new(
        name => 'nginx', log => $self->path('nginx.out'), env => { %env, _sanitizer_env() },
        command => [_nginx_command($self->path('nginx.conf'), $self->dir)]);
    $self->write_file('error.log', '');
    $self->write_toml($o{toml}) if defined $o{toml};
    $self->write_conf($o{conf}) if defined $o{conf};

    $self->start_redis if $self->{redis};
    $self->start_sidecar if $self->{sidecar} && defined $o{toml};
    $self->start_nginx if $self->{nginx} && defined $o{conf};
    return $self;
}

sub dir { "$_[0]{dir}" }
sub path { "$_[0]{dir}/$_[1]" }
sub redis_port { $_[0]->port('REDIS') }
sub socket_path { $_[0]->path('herald.sock') }

# A port of 127.0.0.1 that is ours until the end: a bound socket that never listens keeps it from
# everybody but a server with SO_REUSEADDR, also while that is restarted.
sub port {
    my ($self, $name) = @_;
    $name //= 'PORT';
    my $held = $self->{ports}{$name} //= do {
        my $socket = IO::Socket::INET->new(Proto => 'tcp', LocalAddr => '127.0.0.1')
            or die "no free port: $!";
        setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, pack('i', 1);
        $socket;
    };
    return $held->sockport;
}

sub write_file {
    my ($self, $name, $text) = @_;
    open my $file, '>:raw', $self->path($name) or die "$name: $!";
    print $file $text;
    close $file or die "$name: $!";
    return $self->path($name);
}

sub read_file { return Herald::Process::slurp($_[0]->path($_[1])) }
sub write_conf { $_[0]->write_file('nginx.conf', $_[0]->_preamble . $_[0]->_switched($_[0]->expand($_[1]))) }
sub write_toml { $_[0]->write_file('herald.toml', $_[0]->expand($_[1])) }

sub expand {
    my ($self, $text) = @_;
    my %values = (
        DIR => sub { $self->dir },
        SOCKET => sub { $self->socket_path },
        REDIS => sub { 'redis://127.0.0.1:' . $self->redis_port . '/0' },
        REDIS_PORT => sub { $self->redis_port },
        MODULE => sub { $MODULE },
        CERT => sub { $self->_certificate; $self->path('cert.pem') },
        KEY => sub { $self->_certificate; $self->path('key.pem') },
        TEMP_PATHS => sub {
            join ' ', "access_log " . $self->path('access.log') . ";",
                map { "${_}_temp_path " . $self->path("temp_$_") . ";" }
                qw(client_body proxy fastcgi uwsgi scgi);
        },
        SIDECAR => sub {
            sprintf qq([sidecar]\nsocket = "%s"\nstate = "%s"\n[redis]\nurl = "redis://127.0.0.1:%s/0"),
                $self->socket_path, $self->path('state'), $self->redis_port;
        },
        map { my $name = $_; $name => sub { $self->port($name) } } qw(PORT PORT2 PORT3),
    );
    $text =~ s{%%(\w+)%%}{ ($values{$1} // die "unknown placeholder %%$1%%\n")->() }ge;
    return $text;
}

sub _preamble {
    my $self = shift;
    my $dir = $self->dir;
    return join '', "daemon off;\n", "pid $dir/nginx.pid;\n", "error_log $dir/error.log info;\n",
        ($> == 0 ? "user root;\n" : ''), ($self->{module} ? "load_module $MODULE;\n" : '');
}

# The conf with the switches of the environment.
sub _switched {
    my ($self, $conf) = @_;
    $conf =~ s/^(\s*http\s*\{)/$1 herald_io_uring on;/m
        if $ENV{HERALD_IO_URING} && $self->{module} && $conf !~ /herald_io_uring/;
    return $conf;
}

sub _nginx_command {
    my ($conf, $dir, @more) = @_;
    return ($NGINX, '-e', 'stderr', '-p', $dir, '-c', $conf, @more);
}

sub _sanitizer_env {
    return () unless $ENV{HERALD_SANITIZE};
    chomp(my $machine = qx(uname -m));
    chomp(my $library = qx(clang -print-file-name=libclang_rt.asan-$machine.so));
    return (
        LD_PRELOAD => $library,
        ASAN_OPTIONS => 'detect_leaks=0:abort_on_error=0',
        UBSAN_OPTIONS => 'print_stacktrace=1');
}

sub _certificate {
    my $self = shift;
    return if -e $self->path('cert.pem');
    my ($key, $cert, $log) = map { $self->path($_) } qw(key.pem cert.pem openssl.log);
    system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
            . "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 "
            . "-keyout $key -out $cert >$log 2>&1") == 0
        or die 'openssl: ' . $self->read_file('openssl.log');
}

# (exit code, output) of `nginx -t` with this conf, in a directory of its own.
sub nginx_t {
    my ($conf, %o) = @_;
    my $self = Herald->new(redis => 0, %o);
    my $file = $self->write_conf($conf);
    my $process = Herald::Process->new(
        name => 'nginx -t', log => $self->path('nginx_t.out'),
        env => { _sanitizer_env(), %{ $o{env} || {} } },
        command => [_nginx_command($file, $self->dir, '-t')])->start;
    my $status = $process->wait_exit;
    my $output = $process->output;
    $self->{finished} = 1;
    $self->_clean_up;
    return ($status & 127 ? "signal $status" : $status >> 8, $output);
}

# For what no event announces: asks every 20 ms, for at most `timeout` (20) seconds, until `check`
# returns something true, and returns that. A function and a method.
sub wait_for {
    shift if ref $_[0] ne 'CODE';
    my ($check, $what, $timeout) = @_;
    my $deadline = Herald::Stream::now() + ($timeout // 20);
    while (1) {
        my $result = $check->();
        return $result if $result;
        die 'waited in vain for ' . ($what // 'a condition') . "\n"
            if Herald::Stream::now() > $deadline;
        select undef, undef, undef, 0.02;
    }
}

# --- Clients ------------------------------------------------------------------------------------

sub redis_cmd {
    my ($self, @words) = @_;
    $self->{redis_client} //= Herald::Redis->new($self->redis_port);
    my $reply = eval { $self->{redis_client}->command(@words) };
    if (my $error = $@) {
        delete $self->{redis_client} unless $error =~ /^Redis: /;
        die $error;
    }
    return $reply;
}

# How many connections have received it.
sub redis_publish { return $_[0]->redis_cmd('PUBLISH', $_[1], $_[2]) }

# A raw connection: Herald::Stream. Options: port (PORT), tls, alpn, rcvbuf.
sub connect {
    my ($self, %o) = @_;
    return Herald::Stream->connect(%o, port => $o{port} // $self->port);
}

# One request on a connection of its own: { status, headers, body, head }. Beside headers, the hash may
# hold ':body', ':port', ':tls', ':version', ':timeout'.
sub http {
    my ($self, $method, $path, %headers) = @_;
    my %o = map { $_ => delete $headers{":$_"} } qw(body port tls version timeout);
    my $stream = $self->connect(%o{qw(port tls)});
    $stream->write(Herald::Http::request(
        $method, $path, $o{version} // '1.1', { Connection => 'close', %headers }, $o{body}));
    my ($status, $headers, $head) = Herald::Http::read_head($stream, $o{timeout});
    my $body = Herald::Http::read_body($stream, $method, $status, $headers, $o{timeout});
    return { status => $status, headers => $headers, body => $body, head => $head };
}

sub sse {
    my ($self, $path, %o) = @_;
    return Herald::SSE->open(%o, path => $path, port => $o{port} // $self->port);
}

sub ws {
    my ($self, $path, %o) = @_;
    return Herald::WS->open(%o, path => $path, port => $o{port} // $self->port);
}

# An SSE stream through curl, for what the clients here do not speak: $h->curl_sse('/events',
# '--http2'). `path` may be a whole URL; https is https://localhost:PORT/... with any certificate.
sub curl_sse {
    my ($self, $path, @options) = @_;
    my $url = $path =~ m{^https?://} ? $path : 'http://127.0.0.1:' . $self->port . $path;
    my $pid = open my $pipe, '-|', _curl(), '-N', '-i', @options, $url or die "curl: $!";
    return Herald::SSE->over(Herald::Stream->new($pipe, "curl $url", pid => $pid), dechunked => 1);
}

# (exit code, output) of curl with these arguments.
sub curl {
    my ($self, @arguments) = @_;
    open my $pipe, '-|', _curl(), @arguments or die "curl: $!";
    local $/;
    my $output = <$pipe> // '';
    local $?;
    close $pipe;
    return ($? >> 8, $output);
}

sub _curl { return ('curl', '-q', '-s', '-S', '-k', '--noproxy', '*') }

# --- The end ------------------------------------------------------------------------------------

# Stops everything and asserts, as one test, that nothing in the logs is wrong.
sub finish {
    my $self = shift;
    return if $self->{finished}++;
    for my $stop (qw(stop_nginx stop_sidecar stop_redis)) {
        eval { $self->$stop; 1 } or push @{ $self->{problems} }, $@;
    }
    my @problems = (@{ $self->{problems} }, $self->_wrong_lines);
    Test::More::ok(!@problems, 'no alerts, no sanitizer errors')
        or Test::More::diag(join "\n", @problems);
    $self->_clean_up;
}

sub _wrong_lines {
    my $self = shift;
    my $wrong = qr/\[(?:alert|emerg|crit)\]|AddressSanitizer|LeakSanitizer|runtime error|exited on signal/;
    my @lines;
    for my $name (qw(error.log nginx.out sidecar.log)) {
        my @found = grep { /$wrong/ } split /\n/, $self->read_file($name);
        for my $allowed (@{ $self->{allowed} }) {
            @found = grep { !/$allowed/ } @found;
        }
        push @lines, map { "$name: $_" } @found;
    }
    return @lines;
}

sub _clean_up {
    my $self = shift;
    return if $self->{cleaned}++ || $self->{owner} != $$;
    local ($?, $!, $@);
    eval { $self->process($_)->stop('TERM') } for qw(nginx sidecar redis);

    my $builder = Test::More->builder;
    if (!$builder->is_passing || !$self->{finished} && $builder->current_test) {
        for my $name (qw(error.log nginx.out sidecar.log)) {
            my @lines = split /\n/, $self->read_file($name);
            my @last = @lines > 25 ? @lines[-25 .. -1] : @lines;
            Test::More::diag(join "\n", "--- $name", @last) if @last;
        }
    }
    if ($ENV{HERALD_KEEP}) {
        Test::More::diag('kept ' . $self->dir);
    } else {
        File::Path::remove_tree($self->dir);
    }
}

sub DESTROY { $_[0]->_clean_up }

END {
    $_ && $_->_clean_up for @alive;
}

1;

package Herald::Postgres;

# A PostgreSQL server of Debian's package for a test: in the test's directory, on a port of its own, over TLS
# with a certificate by an authority made for it, gone when the test ends. It refuses to run as root, so root
# runs it as somebody else.
#
#     my $pg = Herald::Postgres->new($h);        # runs; user herald has a password, $pg->password
#     $pg->sql('CREATE TABLE t (n int)');
#     is $pg->sql('SELECT count(*) FROM t'), 0;  # as the superuser, over the Unix socket
#     my $session = $pg->session('BEGIN; LOCK TABLE t');    # holds the lock ...
#     $session->end;                                        # ... until now; or $session->done('COMMIT')
#     $pg->kill; $pg->start;

use strict;
use warnings;

use File::Path ();

use Herald::Process;

my ($BIN) = grep { -x "$_/postgres" } reverse(sort glob '/usr/lib/postgresql/*/bin'), split /:/, $ENV{PATH};

sub new {
    my ($class, $h, $port_name) = @_;
    die "no PostgreSQL server here; ./deps.sh test installs it\n" unless defined $BIN;
    my $port = $h->port($port_name // 'PG_PORT');
    my $self = bless { h => $h, dir => $h->path('pg'), port => $port, password => 'pass ' . join '', map { int rand 10 } 1 .. 16 },
        $class;
    mkdir $self->{dir} or die "$self->{dir}: $!";
    if ($> == 0) {
        ($self->{uid}, $self->{gid}) = (getpwnam(getpwnam('postgres') ? 'postgres' : 'nobody'))[2, 3];
        chown $self->{uid}, $self->{gid}, $self->{dir};
    }
    $self->_certificates;
    $self->_run("$BIN/initdb", '-D', "$self->{dir}/data", qw(-U postgres -A trust -E UTF8 --locale C --no-sync));
    $self->_write('data/pg_hba.conf', "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n", 0600);
    $self->{process} = Herald::Process->new(
        name => 'postgres', log => $h->path('postgres.log'),
        command => [$self->_as_somebody_else(qw(--pdeathsig INT)), "$BIN/postgres", '-D', "$self->{dir}/data", '-p', $port,
            map { ('-c', $_) } 'listen_addresses=127.0.0.1', "unix_socket_directories=$self->{dir}", 'fsync=off',
            'ssl=on', "ssl_cert_file=$self->{dir}/cert.pem", "ssl_key_file=$self->{dir}/key.pem"]);
    $self->start;
    $self->sql("CREATE ROLE herald LOGIN PASSWORD '$self->{password}'; GRANT ALL ON SCHEMA public TO herald");
    return $self;
}

sub port { $_[0]{port} }
sub password { $_[0]{password} }
sub log { $_[0]{process}->output }
sub authority { "$_[0]{dir}/ca.pem" }

# What `url` may be, in both of libpq's forms; `more` are further parameters.
sub uri {
    my ($self, $more) = @_;
    my $password = $self->{password} =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger;
    return "postgresql://herald:$password\@localhost:$self->{port}/postgres" . ($more ? "?$more" : '');
}

# Starts, and waits until it answers.
sub start {
    my $self = shift;
    # Those whom a killed server has left behind keep its memory for a moment.
    Herald::wait_for(sub {
        $self->{process}->start unless $self->{process}->alive;
        eval { $self->sql('SELECT 1'); 1 };
    }, 'the database', 60);
    return $self;
}

sub stop { $_[0]{process}->stop('INT') }
sub kill { $_[0]{process}->kill('KILL') }
sub signal { $_[0]{process}->signal($_[1]) }

# What psql prints: values with | in between, a line a row, without the last line end. Dies where it fails.
sub sql {
    my ($self, $sql) = @_;
    my $errors = $self->{h}->path('psql.err');
    my $pid = open my $pipe, '-|' // die "fork: $!";
    if ($pid == 0) {
        open STDERR, '>', $errors;
        exec { "$BIN/psql" } $self->_psql, '-c', $sql or CORE::exit(127);
    }
    my $output = do { local $/; <$pipe> } // '';
    local $?;
    close $pipe or die 'psql: ' . Herald::Process::slurp($errors);
    chomp $output;
    return $output;
}

# A client that stays, and has done this already.
sub session {
    my ($self, $sql) = @_;
    my $output = $self->{h}->path('session.' . ++$self->{sessions});
    my $pid = open my $pipe, '|-' // die "fork: $!";
    if ($pid == 0) {
        open STDOUT, '>', $output;
        open STDERR, '>&', \*STDOUT;
        exec { "$BIN/psql" } $self->_psql or CORE::exit(127);
    }
    $pipe->autoflush;
    print $pipe "$sql;\n\\echo done\n";
    Herald::wait_for(sub { Herald::Process::slurp($output) =~ /^done$/m }, "a session: $sql");
    return bless { pipe => $pipe }, 'Herald::Postgres::Session';
}

sub Herald::Postgres::Session::end {
    my $self = shift;
    local ($?, $!);
    close delete $self->{pipe} if $self->{pipe};
}

# Does something more before it ends.
sub Herald::Postgres::Session::done {
    my ($self, $sql) = @_;
    print { $self->{pipe} } "$sql;\n";
    $self->end;
}

sub _psql { return ("$BIN/psql", qw(-qAtX -U postgres -d postgres -v ON_ERROR_STOP=1 -h), $_[0]{dir}, '-p', $_[0]{port}) }

sub _as_somebody_else {
    my ($self, @options) = @_;
    return () unless defined $self->{uid};
    return ('setpriv', "--reuid=$self->{uid}", "--regid=$self->{gid}", '--clear-groups', @options, '--');
}

sub _run {
    my ($self, @command) = @_;
    my $run = Herald::Process->new(name => $command[0], log => $self->{h}->path('initdb.log'),
        command => [$self->_as_somebody_else, @command])->start;
    $run->wait_exit(120) == 0 or die $run->output;
}

sub _write {
    my ($self, $name, $text, $mode) = @_;
    my $path = "$self->{dir}/$name";
    open my $file, '>', $path or die "$path: $!";
    print $file $text;
    close $file or die "$path: $!";
    chmod $mode, $path;
    chown $self->{uid}, $self->{gid}, $path if defined $self->{uid};
}

# An authority, and a certificate of it for localhost.
sub _certificates {
    my $self = shift;
    my $dir = $self->{dir};
    $self->_write('ext', "subjectAltName=DNS:localhost\n", 0644);
    my $ec = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
    my $log = $self->{h}->path('pg_openssl.log');
    for my $command ("req -x509 $ec -days 2 -subj /CN=authority -keyout $dir/ca.key -out $dir/ca.pem",
        "req $ec -subj /CN=localhost -keyout $dir/key.pem -out $dir/cert.csr",
        "x509 -req -days 2 -in $dir/cert.csr -CA $dir/ca.pem -CAkey $dir/ca.key -CAcreateserial -extfile $dir/ext -out $dir/cert.pem") {
        system("openssl $command >>$log 2>&1") == 0 or die Herald::Process::slurp($log);
    }
    $self->_write("$_.pem", Herald::Process::slurp("$dir/$_.pem"), 0600) for qw(key cert);
}

sub DESTROY {
    my $self = shift;
    local ($?, $!, $@);
    eval { $self->stop } if $self->{process};
}

1;

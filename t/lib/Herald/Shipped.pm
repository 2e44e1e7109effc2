package Herald::Shipped;

# The files of conf.d/ as they are shipped, for the harness: only what would touch the machine is replaced, namely ports,
# paths and the address of Redis. What is to be replaced and is not there, exactly once, is an error: a test never runs
# beside the file that it is about.
#
#     my $h = Herald->new(shipped('p66', ports => { 8008 => 'PORT' }), env => { ADMIN_TOKEN => '…' });
#     my $lines = run_client($h, 'recorder.py', ports => { 8008 => $h->port }, arguments => ['--output', 'file']);
#     like $lines->read_until(qr/\n/), qr/job/;
#     my $answer = run_line($h, 'curl -N http://localhost:8008/…', ports => { 8008 => $h->port })->read_all;

use strict;
use warnings;

use Exporter qw(import);

use Herald::Process;
use Herald::Stream;

our @EXPORT = qw(shipped shipped_text run_client run_line);

# conf and toml, as options of Herald->new. `ports`: shipped port => the harness's name for it; `http`: text for the http
# block, in front of the file; `replace`: pairs of further text of the conf, for times that a test cannot wait for.
sub shipped {
    my ($name, %o) = @_;
    my ($conf, $toml) = map { shipped_text("$name.$_") } qw(conf toml);
    for my $port (sort keys %{ $o{ports} }) {
        my ($listen) = $conf =~ /^\s*(listen (?:127\.0\.0\.1:)?$port;)/m or die "nothing listens on port $port\n";
        _replace(\$conf, $listen, "listen 127.0.0.1:%%$o{ports}{$port}%%;");
    }
    for (my ($at, $pairs) = (0, $o{replace} // []); $at < @$pairs; $at += 2) {
        _replace(\$conf, @$pairs[$at, $at + 1]);
    }
    _replace(\$toml, '"/run/herald/herald.sock"', '"%%SOCKET%%"');
    _replace(\$toml, '"/var/lib/herald"', '"%%DIR%%/state"');
    _replace(\$toml, '"redis://127.0.0.1:6379/0"', '"%%REDIS%%"');
    my $http = $o{http} // '';
    return (toml => $toml, conf => <<"CONF");
events { worker_connections 256; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    $http
$conf
}
CONF
}

sub shipped_text { return _text("conf.d/$_[0]") }

sub _text {
    my ($path) = @_;
    my $text = Herald::Process::slurp($path);
    die "$path is not there\n" if $text eq '';
    return $text;
}

sub _replace {
    my ($text, $old, $new) = @_;
    my $count = () = $$text =~ /\Q$old\E/g;
    die "\"$old\" is there $count times, not once\n" if $count != 1;
    $$text =~ s/\Q$old\E/$new/;
}

# Starts a program of tests/clients/, which is as its document has it but for the text in `replace` (pairs) and the
# `ports` in its addresses. Its output, standard error included, is the Herald::Stream returned; it ends with that.
# Further options: arguments, env (hash).
sub run_client {
    my ($h, $name, %o) = @_;
    my $program = _ported(_text("tests/clients/$name"), $name, %o);
    # Debian's own, which has Debian's packages.
    return _start($name, $o{env}, '2>&1', '/usr/bin/python3', $h->write_file($name, $program), @{ $o{arguments} || [] });
}

# The same for a line of shell out of a document. Without standard error, where curl draws its progress.
sub run_line {
    my ($h, $line, %o) = @_;
    return _start($line, { HOME => $h->dir, %{ $o{env} || {} } }, '/dev/null', 'bash', '-c', _ported($line, $line, %o));
}

sub _ported {
    my ($text, $name, %o) = @_;
    for my $port (sort keys %{ $o{ports} }) {
        $text =~ s/(localhost|127\.0\.0\.1):$port\b/$1:$o{ports}{$port}/g or die "$name does not name port $port\n";
    }
    for (my ($at, $pairs) = (0, $o{replace} // []); $at < @$pairs; $at += 2) {
        _replace(\$text, @$pairs[$at, $at + 1]);
    }
    return $text;
}

sub _start {
    my ($name, $env, $errors, @command) = @_;
    my %env = (PYTHONUNBUFFERED => 1, PYTHONDONTWRITEBYTECODE => 1, PYTHONPATH => 'tests/clients', no_proxy => '*', %{ $env || {} });
    local @ENV{ keys %env } = values %env;
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        $errors eq '2>&1' ? open(STDERR, '>&', \*STDOUT) : open(STDERR, '>', $errors);
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    return Herald::Stream->new($pipe, $name, pid => $pid);
}

1;

# Keys change while requests come in: a token of the key that was published a moment ago waits for it, and none is refused. A
# secret changes by a second issuer and a reload.

use strict;
use warnings;
use Test::More;
use Herald;
use Herald::Http;
use Herald::Jwt;

my $dir = File::Temp->newdir;
my ($ROUNDS, $CLIENTS, $KEYS) = ($ENV{HERALD_SANITIZE} ? 15 : 40, 6, 4);
my @keys = map { mkdir "$dir/$_" or die $!; Herald::Jwt::Keys->new("$dir/$_") } 0 .. $KEYS - 1;
my @token = map { jwt({ exp => time + 600, sub => "user$_" }, key => $keys[$_]->pem("ec"), alg => 'ES256', kid => "round$_") } 0 .. $KEYS - 1;

# Replaces a file by rename, as those who write key sets should.
sub replace {
    my ($name, $text) = @_;
    open my $file, '>', "$dir/$name.new" or die $!;
    print $file $text;
    close $file or die $!;
    rename "$dir/$name.new", "$dir/$name" or die $!;
}
# The set of a round has its key and the one of the round before.
sub publish_keys {
    my ($round) = @_;
    replace('keys.json', jwks(map { $keys[$_]->jwk("ec", kid => "round$_") } map { $_ % $KEYS } $round, $round + $KEYS - 1));
    replace('round', $round);
}
publish_keys(0);

my @old = (secret => 'the old secret, of 32 bytes or so');
my @new = (secret => 'the new secret, of 32 bytes as well');
my $conf = <<'CONF';
worker_processes 2;
events { worker_connections 512; }
http {
    %%TEMP_PATHS%%
    herald_sidecar unix:%%SOCKET%%;
    herald_issuer keys { jwks file:KEYS; }
    herald_issuer own { secret env:HERALD_TEST_OLD; }
    herald_issuer old { iss https://id.example/; secret env:HERALD_TEST_OLD; }
    herald_issuer new { iss https://id.example/; secret env:HERALD_TEST_NEW; }
    server {
        listen 127.0.0.1:%%PORT%%;
        keepalive_requests 1000000;
        location = /keys { herald_auth own keys; try_files /none =204; }
        location = /secret { herald_auth SECRETS; try_files /none =204; }
        location = /health { herald_health; }
    }
}
CONF
$conf =~ s{KEYS}{$dir/keys.json};
sub conf_with { return $conf =~ s{SECRETS}{$_[0]}r }
my $h = Herald->new(conf => conf_with('old'), env => { HERALD_TEST_OLD => $old[1], HERALD_TEST_NEW => $new[1] }, toml => <<'TOML');
%%SIDECAR%%
[[feed]]
name = "x"
channels = "x:{id}"
TOML
wait_for(sub { $h->http(GET => '/keys', Authorization => "Bearer $token[0]")->{status} == 204 }, 'the first key');

# -- a set of keys
# Each client asks with the token of the newest round, over and over, on one connection, and writes the round behind every
# answer that is right and the status of one that is not.
sub client {
    my ($number) = @_;
    open my $answers, '>', "$dir/client$number" or die $!;
    $answers->autoflush;
    my $stream = $h->connect;
    while (1) {
        my $round = do { open my $file, '<', "$dir/round" or die $!; <$file> };
        last if $round eq 'over';
        $stream->write(Herald::Http::request('GET', '/keys', '1.1', { Authorization => 'Bearer ' . $token[$round % $KEYS] }));
        my ($status) = Herald::Http::read_head($stream);
        print $answers $status == 204 ? "$round\n" : "wrong in round $round: $status\n";
    }
}
my @clients = map {
    my $pid = fork // die $!;
    if (!$pid) {
        eval { client($_); 1 } or do { open my $file, '>>', "$dir/client$_"; print $file "wrong: $@" };
        POSIX::_exit(0);
    }
    $pid;
} 1 .. $CLIENTS;
sub answers { open my $file, '<', "$dir/client$_[0]" or return ''; local $/; return <$file> // '' }
for my $round (1 .. $ROUNDS) {
    publish_keys($round);
    wait_for(sub { !grep { answers($_) !~ /^$round$|wrong/m } 1 .. $CLIENTS }, "answers of round $round");
}
replace('round', 'over');
waitpid $_, 0 for @clients;
is join('', map { answers($_) =~ /^(wrong.*)$/mg } 1 .. $CLIENTS), '', "$ROUNDS new keys, and no request was refused";

# -- a secret: both are good while both are named
sub hs { return jwt({ exp => time + 600, iss => 'https://id.example/', sub => 'a' }, @_) }
sub status { return $h->http(GET => '/secret', Authorization => "Bearer $_[0]")->{status} }
is status(hs(@old)), 204, 'the old secret';
is status(hs(@new)), 401, '  alone';
$h->write_conf(conf_with('old new'));
$h->reload;
is status(hs(@$_)), 204, 'each of two secrets of one issuer' for \@old, \@new;
$h->write_conf(conf_with('new'));
$h->reload;
is status(hs(@old)), 401, 'the old one is taken out';
is status(hs(@new)), 204, '  and the new one is good';

$h->finish;
done_testing;

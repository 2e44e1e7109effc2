package Herald::Shotgrid;

# As much of ShotGrid's REST API as a list of projects takes: a token for a script's credentials, then pages, for whoever
# has the newest token. A test says how it behaves and hears what it was asked.
#
#     my $shotgrid = Herald::Shotgrid->new($h, 'SHOTGRID', id => 'herald', secret => 'key');
#     $shotgrid->projects({ name => 'alpha' }, { name => 'beta', archived => 1 });
#     $shotgrid->behave('half');     # well, 500, 401 (of pages), no_token (401 of tokens), half (of a page)
#     $shotgrid->hold;               # requests wait from here on ...
#     $shotgrid->release;            # ... until now
#     my @asked = $shotgrid->asked;  # 'token', 'page 1', ...

use strict;
use warnings;

use IO::Socket::INET;
use JSON::PP;

use parent 'Herald::FakeServer';

sub new {
    my ($class, $h, $port_name, %o) = @_;
    my $self = bless { %o, dir => $h->path("shotgrid_$port_name"), port => $h->port($port_name) }, $class;
    mkdir $self->{dir} or die "$self->{dir}: $!";
    $self->projects;
    $self->behave('well');
    $self->start;
    return $self;
}

sub url { "http://127.0.0.1:$_[0]{port}" }

sub start {
    my $self = shift;
    $self->listen_on(IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $self->{port}, Listen => 64, ReuseAddr => 1, Proto => 'tcp') // die "shotgrid: $!");
}

sub projects { my $self = shift; $self->write_file('projects', encode_json([map { { archived => JSON::PP::false, %$_ } } @_])) }
sub behave { $_[0]->write_file('behaviour', $_[1]) }
sub hold { $_[0]->write_file('hold', '') }
sub release { $_[0]->remove_file('hold') }
sub asked { return split /\n/, $_[0]->read_file('asked') }

sub _serve {
    my ($self, $client) = @_;
    my $request = '';
    until ($request =~ /\r\n\r\n/ && length $' >= ($request =~ /^Content-Length: (\d+)/mi ? $1 : 0)) {
        sysread($client, $request, 65536, length $request) or return;
    }
    my ($method, $path, $query) = $request =~ m{^(\S+) ([^ ?]+)\??(\S*)} or return;
    my ($body) = $request =~ /\r\n\r\n(.*)\z/s;
    my %query = _fields($query);
    my $page = $query{'page[number]'} // '?';
    $self->append_file('asked', $path =~ /access_token/ ? "token\n" : "page $page\n");
    select undef, undef, undef, 0.01 while -e "$self->{dir}/hold";

    my $behaviour = $self->read_file('behaviour');
    return $self->_reply($client, 500, '{"errors":[{"status":500,"title":"Internal Server Error"}]}') if $behaviour eq '500';
    return $self->_token($client, $behaviour, _fields($body)) if "$method $path" eq 'POST /api/v1/auth/access_token';
    return $self->_reply($client, 404, '{"errors":[{"status":404,"title":"Not Found"}]}') if "$method $path" ne 'GET /api/v1/entity/projects';

    my @tokens = split /\n/, $self->read_file('tokens');
    my ($token) = $request =~ /^Authorization: Bearer (\S+)\r/m;
    return $self->_reply($client, 401, '{"errors":[{"status":401,"title":"Unauthorized"}]}')
        if $behaviour eq '401' || !@tokens || ($token // '') ne $tokens[-1];
    my $text = $self->_page($page, $query{'page[size]'}, split /,/, $query{fields} // '');
    return $self->_reply($client, 200, $text, $behaviour eq 'half' ? int(length($text) / 2) : undef);
}

sub _fields {
    return map { my ($name, $value) = map { s/\+/ /gr =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger } split /=/, $_, 2; ($name => $value // '') } split /&/, $_[0];
}

sub _token {
    my ($self, $client, $behaviour, %form) = @_;
    return $self->_reply($client, 400, '{"errors":[{"status":400,"title":"Can\'t authenticate script"}]}')
        if $behaviour eq 'no_token' || $form{grant_type} ne 'client_credentials' || $form{client_id} ne $self->{id} || $form{client_secret} ne $self->{secret};
    my $token = "token-$$-" . time;
    $self->append_file('tokens', "$token\n");
    return $self->_reply($client, 200, encode_json({ token_type => 'Bearer', access_token => $token, expires_in => 600, refresh_token => 'r' }));
}

sub _page {
    my ($self, $number, $size, @fields) = @_;
    my $all = decode_json($self->read_file('projects'));
    my $first = ($number - 1) * $size;
    my $last = $first + $size > @$all ? $#$all : $first + $size - 1;
    my @data = map { my $project = $all->[$_]; { type => 'Project', id => $_ + 1, attributes => { map { $_ => $project->{$_} } @fields }, relationships => {} } } $first .. $last;
    my $link = '/api/v1/entity/projects?page[number]=';
    return encode_json({ data => \@data, links => { self => "$link$number", ($last < $#$all ? (next => $link . ($number + 1)) : ()) } });
}

# `cut`: that many bytes, and a head that has no more either: what is missing is missed by the reader of the JSON alone.
sub _reply {
    my ($self, $client, $status, $body, $cut) = @_;
    $self->send_all($client, "HTTP/1.1 $status Something\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
        . (defined $cut ? $cut : length $body) . "\r\n\r\n" . (defined $cut ? substr($body, 0, $cut) : $body));
}

1;

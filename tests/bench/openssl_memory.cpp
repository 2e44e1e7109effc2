// herald_bench_openssl: what OpenSSL itself keeps for a quiet TLS 1.3 connection on the server's
// side, set up as nginx does it. No server: handshakes within this process, over socket pairs; the
// clients' sides are freed at once.
//
//     herald_bench_openssl CERTIFICATE KEY CONNECTIONS
//
// Prints {"pss_bytes_per_connection":...}.

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "net.hpp"
#include "process_usage.hpp"

namespace herald::bench {
namespace {

struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeConnection {
    void operator()(SSL* connection) const { SSL_free(connection); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;
using Connection = std::unique_ptr<SSL, FreeConnection>;

constexpr char kMessage[] = "as long as a request's head, and an answer's";

void require(bool holds, const char* what) {
    if (!holds) {
        throw std::runtime_error(what);
    }
}

Context server_context(const char* certificate, const char* key) {
    Context context(SSL_CTX_new(TLS_server_method()));
    require(context &&
                SSL_CTX_use_certificate_file(context.get(), certificate, SSL_FILETYPE_PEM) == 1 &&
                SSL_CTX_use_PrivateKey_file(context.get(), key, SSL_FILETYPE_PEM) == 1,
            "certificate or key cannot be used");
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);  // as ngx_ssl_create
    return context;
}

Connection new_connection(SSL_CTX* context, const Fd& fd) {
    Connection connection(SSL_new(context));
    require(connection && SSL_set_fd(connection.get(), fd.get()) == 1, "out of memory");
    return connection;
}

void shake_hands(SSL* server, SSL* client) {
    for (int turn = 0; turn < 10; ++turn) {
        const int asked = SSL_connect(client);
        const int answered = SSL_accept(server);
        if (asked == 1 && answered == 1) {
            return;
        }
        ERR_clear_error();
    }
    throw std::runtime_error("no handshake");
}

// The server's side of a connection that has had a request and an answer.
Connection quiet_connection(SSL_CTX* servers, SSL_CTX* clients) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        throw_errno("socketpair");
    }
    const Fd server_end(pair[0]);
    const Fd client_end(pair[1]);
    Connection server = new_connection(servers, server_end);
    Connection client = new_connection(clients, client_end);
    shake_hands(server.get(), client.get());

    char received[sizeof kMessage];
    require(SSL_write(client.get(), kMessage, sizeof kMessage) > 0 &&
                SSL_read(server.get(), received, sizeof received) > 0 &&
                SSL_write(server.get(), kMessage, sizeof kMessage) > 0 &&
                SSL_read(client.get(), received, sizeof received) > 0,
            "no exchange");
    // What the server still looks for: nothing is there, and its buffers go.
    require(SSL_read(server.get(), received, sizeof received) < 0, "something unexpected came");
    return server;
}

void weigh(const char* certificate, const char* key, size_t count) {
    const Context servers = server_context(certificate, key);
    const Context clients(SSL_CTX_new(TLS_client_method()));
    require(clients != nullptr, "out of memory");
    std::vector<Connection> quiet;
    quiet.reserve(count);
    quiet.push_back(quiet_connection(servers.get(), clients.get()));

    const std::vector<pid_t> ourselves{getpid()};
    const uint64_t before = pss_bytes(ourselves);
    while (quiet.size() < count) {
        quiet.push_back(quiet_connection(servers.get(), clients.get()));
    }
    const uint64_t after = pss_bytes(ourselves);
    std::printf("{\"connections\":%zu,\"pss_bytes_per_connection\":%.1f}\n", count,
                static_cast<double>(after - before) / static_cast<double>(count - 1));
}

}  // namespace
}  // namespace herald::bench

int main(int argc, char** argv) {
    const long count = argc == 4 ? std::atol(argv[3]) : 0;
    if (count < 2) {
        std::fprintf(stderr,
                     "usage: herald_bench_openssl CERTIFICATE KEY CONNECTIONS (2 or more)\n");
        return 2;
    }
    try {
        herald::bench::weigh(argv[1], argv[2], static_cast<size_t>(count));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "herald_bench_openssl: %s\n", error.what());
        return 1;
    }
}

// The bytes of connections, plain or in TLS 1.3. Descriptors stay their opener's; for TLS this
// keeps what OpenSSL knows of each.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net.hpp"

namespace herald::bench {

enum class Security { Plain, Tls };

class Wires {
  public:
    // `protocol` is offered by ALPN: "http/1.1" or "h2". Throws std::runtime_error.
    Wires(Security security, std::string_view protocol);

    // A connected socket, after the handshake if there is one. The certificate is not checked.
    // Throws std::runtime_error or std::system_error.
    Fd connect(uint16_t port);

    // Throws unless all is taken at once, which an idle connection's socket does.
    void send_all(int fd, std::string_view bytes);

    // As recv with MSG_DONTWAIT: 0 at the end, -1 with EAGAIN when there is nothing. `size` must be
    // at least kLeastRead.
    ssize_t receive(int fd, char* buffer, size_t size) {
        return context_ ? receive_decrypted(fd, buffer, size)
                        : recv(fd, buffer, size, MSG_DONTWAIT);
    }

    // The longest TLS record: read whole, it leaves nothing in OpenSSL that epoll does not know of.
    static constexpr size_t kLeastRead = 16384;

  private:
    struct FreeContext {
        void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    };
    struct FreeConnection {
        void operator()(SSL* connection) const { SSL_free(connection); }
    };

    ssize_t receive_decrypted(int fd, char* buffer, size_t size);

    std::unique_ptr<SSL_CTX, FreeContext> context_;          // null: plain
    std::vector<std::unique_ptr<SSL, FreeConnection>> tls_;  // by descriptor
};

}  // namespace herald::bench

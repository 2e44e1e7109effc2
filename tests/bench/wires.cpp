#include "wires.hpp"

#include <fcntl.h>
#include <openssl/err.h>

namespace herald::bench {
namespace {

[[noreturn]] void throw_tls(const char* what) {
    char text[160];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    throw std::runtime_error(std::string(what) + ": " + text);
}

}  // namespace

Wires::Wires(Security security, std::string_view protocol) {
    if (security == Security::Plain) {
        return;
    }
    context_.reset(SSL_CTX_new(TLS_client_method()));
    std::string offer(1, static_cast<char>(protocol.size()));
    offer += protocol;
    if (!context_ || SSL_CTX_set_min_proto_version(context_.get(), TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_alpn_protos(context_.get(),
                                reinterpret_cast<const unsigned char*>(offer.data()),
                                static_cast<unsigned>(offer.size())) != 0) {
        throw_tls("TLS");
    }
    SSL_CTX_set_mode(context_.get(), SSL_MODE_RELEASE_BUFFERS);
}

Fd Wires::connect(uint16_t port) {
    Fd fd = connect_loopback(port);
    if (!context_) {
        return fd;
    }

    const auto index = static_cast<size_t>(fd.get());
    if (tls_.size() <= index) {
        tls_.resize(index + 1);
    }
    tls_[index].reset(SSL_new(context_.get()));
    SSL* tls = tls_[index].get();
    if (tls == nullptr || SSL_set_fd(tls, fd.get()) != 1 || SSL_connect(tls) != 1) {
        throw_tls("the TLS handshake");
    }
    // The handshake may block; from here on nothing does.
    fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
    return fd;
}

void Wires::send_all(int fd, std::string_view bytes) {
    const ssize_t sent = context_
                             ? SSL_write(tls_[static_cast<size_t>(fd)].get(), bytes.data(),
                                         static_cast<int>(bytes.size()))
                             : send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != static_cast<ssize_t>(bytes.size())) {
        throw_errno("sending a request");
    }
}

ssize_t Wires::receive_decrypted(int fd, char* buffer, size_t size) {
    SSL* tls = tls_[static_cast<size_t>(fd)].get();
    size_t got = 0;
    while (size - got >= kLeastRead) {
        const int part = SSL_read(tls, buffer + got, static_cast<int>(size - got));
        if (part > 0) {
            got += static_cast<size_t>(part);
            continue;
        }
        if (got > 0) {
            break;  // an end or an error comes again
        }
        const bool nothing_yet = SSL_get_error(tls, part) == SSL_ERROR_WANT_READ;
        ERR_clear_error();
        errno = nothing_yet ? EAGAIN : 0;
        return nothing_yet ? -1 : 0;
    }
    return static_cast<ssize_t>(got);
}

}  // namespace herald::bench

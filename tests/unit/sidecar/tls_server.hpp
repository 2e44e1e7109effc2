// An https server of a few lines on 127.0.0.1, for tests that say what it answers. It has threads
// of its own, and a certificate that only its own CA vouches for.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "sidecar/uv.hpp"

namespace herald::sidecar {

struct FreeOpenssl {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Pkey = std::unique_ptr<EVP_PKEY, FreeOpenssl>;
using Certificate = std::unique_ptr<X509, FreeOpenssl>;

// An X.509 certificate, signed with the issuer's key; by itself where there is no issuer.
inline Certificate make_certificate(EVP_PKEY* key, const char* name, X509* issuer,
                                    EVP_PKEY* issuer_key) {
    Certificate made(X509_new());
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), issuer == nullptr ? 1 : 2);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 86'400);
    X509_set_pubkey(made.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509_set_issuer_name(made.get(),
                         X509_get_subject_name(issuer == nullptr ? made.get() : issuer));
    const auto extend = [&](int kind, const char* value) {
        X509V3_CTX context;
        X509V3_set_ctx(&context, issuer == nullptr ? made.get() : issuer, made.get(), nullptr,
                       nullptr, 0);
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
        X509_add_ext(made.get(), extension, -1);
        X509_EXTENSION_free(extension);
    };
    if (issuer == nullptr) {
        extend(NID_basic_constraints, "critical,CA:TRUE");
        extend(NID_key_usage, "critical,keyCertSign,cRLSign");
    } else {
        extend(NID_subject_alt_name, "IP:127.0.0.1");
    }
    X509_sign(made.get(), issuer_key, EVP_sha256());
    return made;
}

class TlsServer {
  public:
    // Writes its CA's certificate to `ca_file`.
    explicit TlsServer(const std::string& ca_file) {
        std::signal(SIGPIPE, SIG_IGN);  // as the program does: OpenSSL writes without MSG_NOSIGNAL
        // Of two authorities with one name, the wrong one could be asked.
        static int made = 0;
        const std::string ca_name = "test CA " + std::to_string(++made);
        const Pkey ca_key(EVP_EC_gen("P-256")), key(EVP_EC_gen("P-256"));
        const Certificate ca =
            make_certificate(ca_key.get(), ca_name.c_str(), nullptr, ca_key.get());
        const Certificate own = make_certificate(key.get(), "test", ca.get(), ca_key.get());
        FILE* file = std::fopen(ca_file.c_str(), "w");
        PEM_write_X509(file, ca.get());
        std::fclose(file);
        SSL_CTX_use_certificate(context_.get(), own.get());
        SSL_CTX_use_PrivateKey(context_.get(), key.get());
        listen();
    }
    ~TlsServer() { stop(); }
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;

    std::string url(const std::string& path) const {
        return "https://127.0.0.1:" + std::to_string(port_) + path;
    }
    int port() const { return port_; }

    // What a path is answered, as it goes over the wire; the connection is closed behind it.
    // `hold`: only when the client has left.
    void answer(const std::string& path, const std::string& bytes, bool hold = false) {
        const std::lock_guard lock(mutex_);
        answers_[path] = {bytes, hold};
    }
    void answer_json(const std::string& path, const std::string& body) {
        answer(path, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                         "\r\nConnection: close\r\n\r\n" + body);
    }
    int hits() const { return hits_; }

    // Nobody listens any more; and again, on the same port.
    void stop() {
        if (listener_ < 0)
            return;
        stopping_ = true;
        shutdown(listener_, SHUT_RDWR);
        thread_.join();
        {
            const std::lock_guard lock(mutex_);
            for (int fd : open_)
                shutdown(fd, SHUT_RDWR);
        }
        for (std::thread& connection : connections_)
            connection.join();
        connections_.clear();
        close(listener_);
        listener_ = -1;
    }
    void listen() {
        listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int on = 1;
        setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<uint16_t>(port_));
        socklen_t size = sizeof address;
        if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            ::listen(listener_, 16) != 0)
            throw std::runtime_error("listen");
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        stopping_ = false;
        thread_ = std::thread([this] { accept_all(); });
    }

  private:
    struct Answer {
        std::string bytes{};
        bool hold = false;
    };

    void accept_all() {
        while (!stopping_) {
            const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0)
                continue;
            const std::lock_guard lock(mutex_);
            open_.insert(fd);
            connections_.emplace_back([this, fd] {
                serve(fd);
                const std::lock_guard closing(mutex_);
                open_.erase(fd);
                close(fd);
            });
        }
    }

    void serve(int fd) {
        const std::unique_ptr<SSL, FreeOpenssl> ssl(SSL_new(context_.get()));
        SSL_set_fd(ssl.get(), fd);
        if (SSL_accept(ssl.get()) != 1)
            return;
        std::string request;
        char buffer[4096];
        while (request.find("\r\n\r\n") == request.npos) {
            const int got = SSL_read(ssl.get(), buffer, sizeof buffer);
            if (got <= 0)
                return;
            request.append(buffer, static_cast<size_t>(got));
        }
        const size_t begin = request.find(' ') + 1;
        Answer answer;
        {
            const std::lock_guard lock(mutex_);
            answer = answers_[request.substr(begin, request.find(' ', begin) - begin)];
        }
        ++hits_;
        if (!answer.bytes.empty())
            SSL_write(ssl.get(), answer.bytes.data(), static_cast<int>(answer.bytes.size()));
        while (answer.hold && SSL_read(ssl.get(), buffer, sizeof buffer) > 0) {
        }
        SSL_shutdown(ssl.get());
    }

    std::unique_ptr<SSL_CTX, FreeOpenssl> context_{SSL_CTX_new(TLS_server_method())};
    int port_ = 0;
    int listener_ = -1;
    std::atomic<bool> stopping_ = false;
    std::atomic<int> hits_ = 0;
    std::mutex mutex_{};
    std::map<std::string, Answer> answers_{};  // mutex_
    std::set<int> open_{};                     // mutex_
    std::vector<std::thread> connections_{};
    std::thread thread_{};
};

}  // namespace herald::sidecar

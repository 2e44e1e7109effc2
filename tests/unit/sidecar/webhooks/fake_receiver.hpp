// A receiver of webhooks of a few lines on 127.0.0.1, with a thread of its own: takes requests one
// after the other, a connection each, and answers each with what was said last.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "sidecar/fd.hpp"

namespace herald::sidecar {

class FakeReceiver {
  public:
    FakeReceiver() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        struct sockaddr_in address {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<struct sockaddr*>(&address);
        if (bind(listener_.get(), generic, size) != 0 || listen(listener_.get(), 64) != 0 ||
            getsockname(listener_.get(), generic, &size) != 0)
            throw std::runtime_error("cannot listen");
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { run(); });
        started_.wait();
    }
    ~FakeReceiver() {
        shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
    }

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

    // A status and more lines of a head, such as "503 Busy\r\nRetry-After: 1". Empty: the
    // connection ends.
    void answer(const std::string& text) {
        const std::lock_guard lock(mutex_);
        answer_ = text;
    }
    // The bodies that have come, once there are `count`.
    std::vector<std::string> await(size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(20), [&] { return bodies_.size() >= count; });
        return bodies_;
    }

    // While this is held, the thread does nothing but wait for a connection. For who forks: a lock
    // that another thread holds just then, such as one of the allocator's, is never given back in
    // the new process.
    std::unique_lock<std::mutex> between_requests() { return std::unique_lock(busy_); }

  private:
    void run() {
        started_.count_down();
        for (;;) {
            const Fd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!client)
                return;
            const std::lock_guard lock(busy_);
            serve(client);
        }
    }

    void serve(const Fd& client) {
        std::string request;
        char buffer[4096];
        size_t wanted = std::string::npos;
        while (request.size() < wanted) {
            const ssize_t got = read(client.get(), buffer, sizeof buffer);
            if (got <= 0)
                return;
            request.append(buffer, static_cast<size_t>(got));
            const size_t head = request.find("\r\n\r\n");
            if (head != request.npos)
                wanted = head + 4 + length_of(request);
        }
        std::unique_lock lock(mutex_);
        bodies_.push_back(request.substr(request.find("\r\n\r\n") + 4));
        const std::string answer = answer_;
        lock.unlock();
        changed_.notify_all();
        if (answer.empty())
            return;
        const std::string text =
            "HTTP/1.1 " + answer + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        [[maybe_unused]] const ssize_t sent =
            send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
    }

    static size_t length_of(const std::string& request) {
        constexpr const char* kName = "Content-Length: ";
        const size_t at = request.find(kName);
        return at == request.npos ? 0 : std::stoul(request.substr(at + 16));
    }

    Fd listener_;
    uint16_t port_ = 0;
    std::latch started_{1};
    std::mutex busy_{};
    std::mutex mutex_{};
    std::condition_variable changed_{};
    std::string answer_ = "200 OK";
    std::vector<std::string> bodies_{};
    std::thread thread_{};
};

}  // namespace herald::sidecar

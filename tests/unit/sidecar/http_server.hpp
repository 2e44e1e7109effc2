// A plain HTTP server of a few lines on 127.0.0.1, for tests that say what it answers and want to
// know what it was asked. It has threads of its own.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace herald::sidecar {

class HttpServer {
  public:
    HttpServer() {
        std::signal(SIGPIPE, SIG_IGN);  // as the program does
        setenv("no_proxy", "*", 1);     // whatever the machine's way out is
        listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            listen(listener_, 16) != 0)
            throw std::runtime_error("listen");
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { accept_all(); });
    }
    ~HttpServer() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
            for (int fd : open_)
                shutdown(fd, SHUT_RDWR);
        }
        changed_.notify_all();
        shutdown(listener_, SHUT_RDWR);
        thread_.join();
        for (std::thread& connection : connections_)
            connection.join();
        close(listener_);
    }
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    std::string url(const std::string& path = "") const {
        return "http://127.0.0.1:" + std::to_string(port_) + path;
    }

    // What a path is answered from now on, with this query or, without one, with any that has no
    // answer of its own; the connection is closed behind it.
    void answer(const std::string& path, const std::string& body,
                const std::string& status = "200 OK", const std::string& headers = "") {
        answer_bytes(path, "HTTP/1.1 " + status +
                               "\r\nContent-Length: " + std::to_string(body.size()) +
                               "\r\nConnection: close\r\n" + headers + "\r\n" + body);
    }
    void answer_bytes(const std::string& path, const std::string& bytes) {
        const std::lock_guard lock(mutex_);
        answers_[path] = bytes;
    }
    void redirect(const std::string& path, const std::string& target) {
        answer(path, "", "302 Found", "Location: " + target + "\r\n");
    }

    // Requests of a path wait from here on, until they are released.
    void hold(const std::string& path) {
        const std::lock_guard lock(mutex_);
        held_.insert(path);
    }
    void release(const std::string& path) {
        {
            const std::lock_guard lock(mutex_);
            held_.erase(path);
        }
        changed_.notify_all();
    }

    // Heads and bodies of all requests so far, in their order.
    std::vector<std::string> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }
    // How many there were of a path.
    size_t asked(const std::string& path) const {
        const std::lock_guard lock(mutex_);
        const auto of_path = [&](const std::string& request) { return path_of(request) == path; };
        return static_cast<size_t>(std::count_if(requests_.begin(), requests_.end(), of_path));
    }

  private:
    static std::string path_of(const std::string& request) {
        const size_t begin = request.find(' ') + 1;
        return request.substr(begin, request.find_first_of(" ?", begin) - begin);
    }

    static std::string target_of(const std::string& request) {
        const size_t begin = request.find(' ') + 1;
        return request.substr(begin, request.find(' ', begin) - begin);
    }

    static size_t body_size(const std::string& head) {
        const size_t at = head.find("Content-Length: ");
        return at == head.npos ? 0 : std::strtoul(head.c_str() + at + 16, nullptr, 10);
    }

    void accept_all() {
        for (;;) {
            const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            const std::lock_guard lock(mutex_);
            if (stopping_) {
                if (fd >= 0)
                    close(fd);
                return;
            }
            if (fd < 0)
                continue;
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
        std::string request;
        size_t end = request.npos;
        while (end == request.npos || request.size() < end + 4 + body_size(request)) {
            char buffer[4096];
            const ssize_t got = read(fd, buffer, sizeof buffer);
            if (got <= 0)
                return;
            request.append(buffer, static_cast<size_t>(got));
            end = request.find("\r\n\r\n");
        }
        const std::string path = path_of(request);
        std::unique_lock lock(mutex_);
        requests_.push_back(request);
        changed_.wait(lock, [&] { return stopping_ || !held_.contains(path); });
        auto found = answers_.find(target_of(request));
        if (found == answers_.end())
            found = answers_.find(path);
        const std::string bytes = found == answers_.end()
                                      ? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
                                      : found->second;
        lock.unlock();
        for (std::string_view rest = bytes; !rest.empty();) {
            const ssize_t put = write(fd, rest.data(), rest.size());
            if (put <= 0)
                return;
            rest.remove_prefix(static_cast<size_t>(put));
        }
        shutdown(fd, SHUT_WR);
    }

    int port_ = 0;
    int listener_ = -1;
    mutable std::mutex mutex_{};
    std::condition_variable changed_{};
    bool stopping_ = false;                         // this and what follows: mutex_
    std::map<std::string, std::string> answers_{};  // by path
    std::set<std::string> held_{};
    std::set<int> open_{};
    std::vector<std::string> requests_{};
    std::vector<std::thread> connections_{};
    std::thread thread_{};
};

}  // namespace herald::sidecar

// A Redis of a few lines on a Unix socket, for tests that play its part themselves.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "run_until.hpp"
#include "sidecar/fd.hpp"
#include "sidecar/listening_socket.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

// A command as it travels.
inline std::string resp(std::initializer_list<std::string_view> words) {
    std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
    for (std::string_view word : words)
        bytes += "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
    return bytes;
}

class FakeRedis {
  public:
    // `path` of its socket. Does not listen yet.
    explicit FakeRedis(std::string path) : path_(std::move(path)) {}

    void listen() { server_ = std::make_unique<ListeningSocket>(path_); }
    void stop_listening() { server_.reset(); }

    // Whoever has connected, or an empty one.
    Fd take() const {
        return Fd(accept4(server_->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    }
    // Turns the loop until somebody has connected.
    Fd accept(uv_loop_t* loop) const {
        Fd client;
        run_until(loop, [&] {
            client = take();
            return bool(client);
        });
        return client;
    }

    // Turns the loop until the client has sent exactly these bytes, or others.
    static void expect_bytes(uv_loop_t* loop, const Fd& client, const std::string& expected) {
        std::string got;
        while (got.size() < expected.size() && expected.starts_with(got)) {
            char bytes[4096];
            const ssize_t size = read(client.get(), bytes, sizeof bytes);
            if (size > 0)
                got.append(bytes, static_cast<size_t>(size));
            else if (size == 0)
                break;
            else
                uv_run(loop, UV_RUN_NOWAIT);
        }
        EXPECT_EQ(got, expected);
    }

    static void say(const Fd& client, std::string_view bytes) {
        ASSERT_EQ(write(client.get(), bytes.data(), bytes.size()),
                  static_cast<ssize_t>(bytes.size()));
    }

  private:
    std::string path_;
    std::unique_ptr<ListeningSocket> server_{};
};

}  // namespace herald::sidecar

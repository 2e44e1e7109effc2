// One connection to Redis as a stream of bytes: finds the address, connects, reads, writes.
//
// Nothing blocks: names are resolved on libuv's threads. An object is one connection; to end it,
// destroy it, which is allowed inside every callback. The listener hears of one end at most, and
// nothing after it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sidecar/redis_url.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class RedisStream {
  public:
    class Listener {
      public:
        virtual void on_open() noexcept = 0;
        // The view lives during the call.
        virtual void on_bytes(std::string_view bytes) noexcept = 0;
        // `reason` is a literal or one of libuv's texts.
        virtual void on_closed(const char* reason) noexcept = 0;

      protected:
        ~Listener() = default;
    };

    // Starts to connect; both references outlive the object. Throws std::system_error where libuv
    // refuses outright.
    RedisStream(uv_loop_t* loop, const RedisUrl& url, Listener& listener);
    ~RedisStream();
    RedisStream(const RedisStream&) = delete;
    RedisStream& operator=(const RedisStream&) = delete;

    // Sends bytes. A failure is heard of as the end of the connection.
    void write(std::string bytes);

  private:
    struct Lookup;
    struct Connect;
    struct Write;
    struct FreeAddresses {
        void operator()(addrinfo* list) const noexcept { uv_freeaddrinfo(list); }
    };

    void start_timer();
    void look_up();
    void connect_next(int last_error);
    void connect_unix();
    void opened();

    static void on_looked_up(uv_getaddrinfo_t* request, int status, addrinfo* list) noexcept;
    static void on_connected(uv_connect_t* request, int status) noexcept;
    static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) noexcept;

    uv_loop_t* loop_;
    const RedisUrl& url_;
    Listener& listener_;
    Handle<uv_timer_t> timer_;
    Lookup* lookup_ = nullptr;  // under way; owned by libuv until its callback
    std::unique_ptr<addrinfo, FreeAddresses> addresses_{};
    addrinfo* next_address_ = nullptr;  // in addresses_
    Handle<uv_tcp_t> tcp_{};
    Handle<uv_pipe_t> pipe_{};
    uv_stream_t* stream_ = nullptr;  // tcp_ or pipe_, once there is one
    std::vector<char> buffer_;
};

}  // namespace herald::sidecar

// libcurl's transfers on the event loop: its sockets are polled by libuv, its time-outs are a
// timer. Nothing blocks; host names are looked up on a thread of libcurl's. The process has to
// ignore SIGPIPE.
#pragma once

#include <curl/curl.h>

#include "sidecar/uv.hpp"

namespace herald::sidecar {

class CurlLoop {
  public:
    class Transfer {
      public:
        // The transfer is over; may add and remove others, and destroy itself.
        virtual void on_done(CURLcode result) noexcept = 0;

      protected:
        ~Transfer() = default;
    };

    // Throws std::runtime_error where libcurl cannot begin.
    // `connections`: that are kept for the next transfer.
    explicit CurlLoop(uv_loop_t* loop, long connections = 4);
    ~CurlLoop();
    CurlLoop(const CurlLoop&) = delete;
    CurlLoop& operator=(const CurlLoop&) = delete;

    // Begins a transfer in the loop's next turn. `easy` belongs to the caller, who removes it
    // before it goes, also after on_done.
    void add(CURL* easy, Transfer& transfer);
    void remove(CURL* easy) noexcept;

  private:
    struct Socket;
    static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void* socket) noexcept;
    static int on_timeout(CURLM*, long ms, void* self) noexcept;
    void act(curl_socket_t fd, int events) noexcept;

    uv_loop_t* loop_;
    Handle<uv_timer_t> timer_;
    CURLM* multi_ = nullptr;
};

}  // namespace herald::sidecar

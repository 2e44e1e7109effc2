// One connection to the control socket: a worker, or somebody who takes himself for one.
//
//   waits for Hello ──Hello──▶ attached ──closed by the peer──▶ over
//         │ nothing for 5 s, garbage, anything else │
//         └──────────────▶ refused, over ◀──────────┘
//
// Believes no byte. Is destroyed by its server, which it tells when it is over.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "ring/control.hpp"
#include "sidecar/doorbells.hpp"
#include "sidecar/fd.hpp"
#include "sidecar/log.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

// What a worker gets to read from.
struct RingHandle {
    int fd = -1;            // the memfd; owned by the publisher
    uint64_t map_size = 0;  // bytes
};

struct Credentials {
    uid_t uid = 0;
    pid_t pid = 0;
};

class ControlPeer {
  public:
    class Server {
      public:
        // The peer is over; destroys it.
        virtual void on_over(ControlPeer& peer) noexcept = 0;

      protected:
        ~Server() = default;
    };

    // Takes a connected, non-blocking socket. Throws std::system_error.
    ControlPeer(uv_loop_t* loop, Fd socket, Credentials credentials, RingHandle ring,
                Doorbells& doorbells, Server& server);
    ~ControlPeer();
    ControlPeer(const ControlPeer&) = delete;
    ControlPeer& operator=(const ControlPeer&) = delete;

  private:
    bool receive();
    bool take_frames();
    bool take(const ring::control::FrameHeader& header, std::string_view payload);
    bool attach();
    bool refuse(const std::string& reason);
    bool on_end();
    void run(bool (ControlPeer::*step)()) noexcept;
    bool time_out() { return refuse("no Hello within 5 s"); }
    log::Line entry(std::string_view message) const;

    Fd socket_;
    Credentials credentials_;
    RingHandle ring_;
    Doorbells& doorbells_;
    Server& server_;
    Fd doorbell_{};        // an eventfd, once attached
    std::string bytes_{};  // received, not yet a whole frame
    Handle<uv_timer_t> deadline_;
    Handle<uv_poll_t> poll_;  // last: is closed before the socket
};

// Tells a peer why it is not served; the caller closes the socket.
void send_refusal(int socket, std::string_view reason) noexcept;

}  // namespace herald::sidecar

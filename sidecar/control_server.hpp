// The sidecar's side of the control socket: lets workers in and keeps track of them.
//
// Who may attach is decided by the credentials that the kernel vouches for: root, the sidecar's
// own user, and the users in `allow`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sidecar/control_peer.hpp"
#include "sidecar/doorbells.hpp"
#include "sidecar/listening_socket.hpp"
#include "sidecar/log.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class ControlServer final : private ControlPeer::Server {
  public:
    // Listens from now on. Throws std::runtime_error. `doorbells` outlives the server.
    ControlServer(uv_loop_t* loop, const std::string& path, std::vector<uid_t> allow,
                  RingHandle ring, Doorbells& doorbells);
    ~ControlServer() = default;
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

  private:
    void on_over(ControlPeer& peer) noexcept override;

    void listen();
    void accept_all() noexcept;
    void admit(Fd socket);
    void pause(int error) noexcept;
    bool may_attach(uid_t uid) const;

    uv_loop_t* loop_;
    std::vector<uid_t> allow_;
    RingHandle ring_;
    Doorbells& doorbells_;
    ListeningSocket socket_;
    std::vector<std::unique_ptr<ControlPeer>> peers_{};
    log::Limit refusals_{10};  // anybody on the machine may connect
    Handle<uv_timer_t> pause_;
    Handle<uv_poll_t> poll_;  // last: is closed before the socket
};

}  // namespace herald::sidecar

// The state machine of one connection. Every step returns whether the connection goes on; only
// `run` tells the server that it is over.
#include "sidecar/control_peer.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace herald::sidecar {

namespace control = ring::control;

namespace {

constexpr uint64_t kHelloWithinMs = 5000;

}  // namespace

void send_refusal(int socket, std::string_view reason) noexcept {
    try {
        control::send_with_descriptors(socket, control::refusal(reason), nullptr, 0);
    } catch (const std::exception&) {
        // Out of memory: the peer sees the connection closed without a word.
    }
    // What is left unread would turn the close into a reset.
    char ignored[4096];
    for (int i = 0; i < 32 && recv(socket, ignored, sizeof ignored, MSG_DONTWAIT) > 0; ++i) {
    }
}

ControlPeer::ControlPeer(uv_loop_t* loop, Fd socket, Credentials credentials, RingHandle ring,
                         Doorbells& doorbells, Server& server)
    : socket_(std::move(socket)),
      credentials_(credentials),
      ring_(ring),
      doorbells_(doorbells),
      server_(server),
      deadline_(make_timer(loop, this)),
      poll_(make_handle<uv_poll_t>(this, "poll a worker's socket", [&](uv_poll_t* poll) {
          return uv_poll_init(loop, poll, socket_.get());
      })) {
    uv_timer_start(
        deadline_.get(),
        [](uv_timer_t* timer) noexcept {
            owner_of<ControlPeer>(timer).run(&ControlPeer::time_out);
        },
        kHelloWithinMs, 0);
    uv_poll_start(poll_.get(), UV_READABLE, [](uv_poll_t* poll, int, int) noexcept {
        owner_of<ControlPeer>(poll).run(&ControlPeer::receive);
    });
}

ControlPeer::~ControlPeer() {
    if (doorbell_)
        doorbells_.remove(doorbell_.get());
}

// Every step says whether the connection goes on.
void ControlPeer::run(bool (ControlPeer::*step)()) noexcept {
    bool goes_on = false;
    try {
        goes_on = (this->*step)();
    } catch (const std::exception& error) {
        send_refusal(socket_.get(), error.what());
    }
    if (!goes_on)
        server_.on_over(*this);
}

bool ControlPeer::receive() {
    char buffer[4096];
    const ssize_t got = recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0)
        return on_end();
    bytes_.append(buffer, static_cast<size_t>(got));
    return take_frames();
}

bool ControlPeer::take_frames() {
    while (!bytes_.empty()) {
        control::FrameHeader header;
        std::string_view payload;
        switch (control::parse(bytes_, header, payload)) {
            case control::Parse::NeedMore:
                return true;
            case control::Parse::BadMagic:
                return refuse("not Herald's control protocol");
            case control::Parse::BadVersion:
                return refuse("control protocol version " + std::to_string(header.version) +
                              ", the sidecar speaks version " + std::to_string(control::kVersion));
            case control::Parse::BadLength:
                return refuse("frame of " + std::to_string(header.length) + " bytes, at most " +
                              std::to_string(control::kMaxPayload) + " are allowed");
            case control::Parse::Frame:
                break;
        }
        const size_t size = sizeof header + payload.size();
        if (!take(header, payload))
            return false;
        bytes_.erase(0, size);
    }
    return true;
}

bool ControlPeer::take(const control::FrameHeader& header, std::string_view payload) {
    if (header.type != control::Type::Hello)
        return refuse("unexpected frame of type " +
                      std::to_string(static_cast<unsigned>(header.type)));
    if (doorbell_)
        return refuse("a second Hello on one connection");
    control::Hello hello;
    if (!control::decode(payload, hello))
        return refuse("Hello of " + std::to_string(payload.size()) + " bytes, expected " +
                      std::to_string(sizeof hello));
    return attach();
}

bool ControlPeer::attach() {
    Fd doorbell(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!doorbell)
        throw std::system_error(errno, std::generic_category(), "make a doorbell");
    const std::string frame =
        control::frame(control::Type::Attach, control::Attach{ring_.map_size});
    const int fds[] = {ring_.fd, doorbell.get()};
    const ssize_t sent = control::send_with_descriptors(socket_.get(), frame, fds, 2);
    if (sent != static_cast<ssize_t>(frame.size())) {
        log::warn(entry("worker gone while attaching"));
        return false;
    }

    doorbells_.add(doorbell.get());
    doorbell_ = std::move(doorbell);
    uv_timer_stop(deadline_.get());
    log::info(entry("worker attached"));
    return true;
}

bool ControlPeer::on_end() {
    if (!bytes_.empty())
        return refuse("frame cut short after " + std::to_string(bytes_.size()) + " bytes");
    if (doorbell_)
        log::info(entry("worker detached"));
    return false;
}

bool ControlPeer::refuse(const std::string& reason) {
    log::warn(entry("worker refused").with("reason", reason));
    send_refusal(socket_.get(), reason);
    return false;
}

log::Line ControlPeer::entry(std::string_view message) const {
    log::Line line(message);
    line.with("pid", credentials_.pid).with("uid", credentials_.uid);
    return line;
}

}  // namespace herald::sidecar

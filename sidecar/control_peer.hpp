// One connection to the control socket: a worker, or somebody who takes himself for one.
//
//   waits for Hello ──Hello──▶ attached ──closed by the peer──▶ over
//         │ nothing for 5 s, garbage, anything else │
//         └──────────────▶ refused, over ◀──────────┘
//
// Once attached it may ask; every question is handed to the server, and its answer is sent when the
// server has it. A worker that takes no answers for long, while many wait, is refused as well.
// News (ring/trust.hpp) are taken from the server one at a time, whenever nothing else waits to be
// sent: a slow worker costs no memory.
//
// Believes no byte. Is destroyed by its server, which it tells when it is over; never from within
// `answer`.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ring/control.hpp"
#include "sidecar/answer_queue.hpp"
#include "sidecar/doorbells.hpp"
#include "sidecar/fd.hpp"
#include "sidecar/log.hpp"
#include "sidecar/question_inbox.hpp"
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

// A connection, for as long as the sidecar lives: no two ever have the same.
using PeerId = uint64_t;

// When a worker that does not read is given up.
struct AnswerLimits {
    size_t max_waiting = 64 << 20;  // bytes of answers; up to here they may wait for ever
    uint64_t stalled_ms = 10'000;   // for which it has taken none of more than these
};

class ControlPeer {
  public:
    class Server {
      public:
        // The peer is over; destroys it.
        virtual void on_over(ControlPeer& peer) noexcept = 0;
        // A whole question. May be answered at once.
        virtual void on_question(ControlPeer& peer, QuestionInbox::Question question) = 0;
        // What an attached worker wants keys of, in place of what it wanted before; and which of
        // these may have a new one.
        virtual void on_watch(ControlPeer& peer, std::vector<std::string> sources) = 0;
        virtual void on_refetch(ControlPeer& peer, std::string_view source) = 0;
        // The next piece of news for an attached worker; false where there is none.
        virtual bool next_news(ControlPeer& peer, std::string& message) = 0;

      protected:
        ~Server() = default;
    };

    struct Setup {
        PeerId id = 0;
        Credentials credentials{};
        RingHandle ring{};
        bool may_ask = false;
        bool gets_news = false;
        QuestionLimits questions{};
        AnswerLimits answers{};
    };

    // Takes a connected, non-blocking socket. Throws std::system_error.
    ControlPeer(uv_loop_t* loop, Fd socket, const Setup& setup, Doorbells& doorbells,
                Server& server);
    ~ControlPeer();
    ControlPeer(const ControlPeer&) = delete;
    ControlPeer& operator=(const ControlPeer&) = delete;

    PeerId id() const { return setup_.id; }

    // Sends an answer, as soon as the worker takes it. Numbers that wait for none are dropped.
    void answer(uint64_t number, std::string_view answer) noexcept;

    // There is news. Does nothing before the worker is attached: it is asked for then.
    void tell_news() noexcept;

  private:
    enum class Fate { Open, Broken, OutOfMemory };

    template <class Step>
    void run(Step step) noexcept;
    bool on_ready(int events);
    bool on_deadline();
    bool receive();
    bool take_frames();
    bool take(const ring::control::FrameHeader& header, std::string_view payload);
    bool attach();
    bool take_question(std::string_view payload);
    bool take_watch(std::string_view payload);
    bool take_refetch(std::string_view payload);
    bool push_news();
    void send_waiting();
    void watch_for_stall();
    void end_soon(Fate fate) noexcept;
    void poll(int events) noexcept;
    void set_deadline(uint64_t ms) noexcept;
    bool refuse(const std::string& reason);
    void say_refused(std::string_view reason) noexcept;
    bool on_end();
    log::Line entry(std::string_view message) const;

    Fd socket_;
    Setup setup_;
    Doorbells& doorbells_;
    Server& server_;
    Fate fate_ = Fate::Open;
    Fd doorbell_{};        // an eventfd, once attached
    std::string bytes_{};  // received, not yet a whole frame
    QuestionInbox inbox_;
    AnswerQueue answers_{};
    uint64_t news_ = 0;            // messages, so far
    Handle<uv_timer_t> deadline_;  // of Hello, later of a stalled reader
    Handle<uv_poll_t> poll_;       // last: is closed before the socket
};

// Tells a peer why it is not served; the caller closes the socket.
void send_refusal(int socket, std::string_view reason) noexcept;

}  // namespace herald::sidecar

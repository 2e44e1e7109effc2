// The sidecar's side of the control socket: lets workers in and keeps track of them.
//
// Who may attach is decided by the credentials that the kernel vouches for: root, the sidecar's
// own user, and the users in `allow`. What attached workers ask goes to the owner's `Questions`.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sidecar/control_peer.hpp"
#include "sidecar/doorbells.hpp"
#include "sidecar/listening_socket.hpp"
#include "sidecar/log.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class Questions {
  public:
    // A whole question, not looked into. Its answer goes to ControlServer::answer, now or later.
    virtual void on_question(PeerId peer, uint64_t number, std::string bytes) = 0;

  protected:
    ~Questions() = default;
};

// What workers are told without asking (ring/trust.hpp).
class News {
  public:
    // An attached worker's sources, in place of those that it gave before.
    virtual void on_watch(PeerId peer, std::vector<std::string> sources) = 0;
    virtual void on_refetch(PeerId peer, std::string_view source) = 0;
    // The next piece of news for a worker, which may have none so far; false where there is none
    // now. It counts as told.
    virtual bool next_news(PeerId peer, std::string& message) = 0;
    // A worker is gone; it need not have asked for anything.
    virtual void on_gone(PeerId peer) noexcept = 0;

  protected:
    ~News() = default;
};

class ControlServer final : private ControlPeer::Server {
  public:
    // Listens from now on. Throws std::runtime_error. `doorbells` outlives the server.
    ControlServer(uv_loop_t* loop, const std::string& path, std::vector<uid_t> allow,
                  RingHandle ring, Doorbells& doorbells);
    ~ControlServer() = default;
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    // Lets the workers that attach from now on ask; before, they are refused when they do.
    // `questions` lives for as long as the loop runs.
    void serve(Questions& questions, QuestionLimits limits, AnswerLimits answers = {});

    // Lets the workers that attach from now on watch sources and get news. `news` lives for as long
    // as the loop runs.
    void serve(News& news) { news_ = &news; }

    // There is news for all workers.
    void tell_news() noexcept;

    // Sends an answer. Those to workers that are gone are dropped, as are numbers that nobody asked
    // or that were answered.
    void answer(PeerId peer, uint64_t number, const std::string& answer) noexcept;

  private:
    void on_over(ControlPeer& peer) noexcept override;
    void on_question(ControlPeer& peer, QuestionInbox::Question question) override;
    void on_watch(ControlPeer& peer, std::vector<std::string> sources) override;
    void on_refetch(ControlPeer& peer, std::string_view source) override;
    bool next_news(ControlPeer& peer, std::string& message) override;

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
    Questions* questions_ = nullptr;
    News* news_ = nullptr;
    QuestionLimits question_limits_{};
    AnswerLimits answer_limits_{};
    PeerId last_peer_ = 0;
    std::map<PeerId, std::unique_ptr<ControlPeer>> peers_{};
    log::Limit refusals_{10};  // anybody on the machine may connect
    Handle<uv_timer_t> pause_;
    Handle<uv_poll_t> poll_;  // last: is closed before the socket
};

}  // namespace herald::sidecar

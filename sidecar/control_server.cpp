// Accepts, asks the kernel who is there, and hands the socket to a ControlPeer or refuses.
#include "sidecar/control_server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "sidecar/log.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kMaxPeers = 256;
constexpr uint64_t kPauseMs = 500;  // without accepting, when the process is out of descriptors

Credentials credentials_of(int socket) {
    ucred found{};
    socklen_t size = sizeof found;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &found, &size) != 0)
        throw std::system_error(errno, std::generic_category(), "ask for a peer's credentials");
    return {found.uid, found.pid};
}

}  // namespace

ControlServer::ControlServer(uv_loop_t* loop, const std::string& path, std::vector<uid_t> allow,
                             RingHandle ring, Doorbells& doorbells)
    : loop_(loop),
      allow_(std::move(allow)),
      ring_(ring),
      doorbells_(doorbells),
      socket_(path),
      pause_(make_timer(loop, this)),
      poll_(make_handle<uv_poll_t>(this, "poll the control socket", [&](uv_poll_t* poll) {
          return uv_poll_init(loop, poll, socket_.fd());
      })) {
    listen();
}

void ControlServer::listen() {
    uv_poll_start(poll_.get(), UV_READABLE, [](uv_poll_t* poll, int, int) noexcept {
        owner_of<ControlServer>(poll).accept_all();
    });
}

void ControlServer::accept_all() noexcept {
    for (;;) {
        Fd socket(accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!socket) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if (errno != EAGAIN)
                pause(errno);
            return;
        }
        try {
            admit(std::move(socket));
        } catch (const std::exception&) {
            pause(ENOMEM);
            return;
        }
    }
}

void ControlServer::admit(Fd socket) {
    const Credentials credentials = credentials_of(socket.get());
    std::string reason;
    if (!may_attach(credentials.uid))
        reason = "user " + std::to_string(credentials.uid) +
                 " may not attach; the sidecar's [sidecar] allow names who may";
    else if (peers_.size() >= kMaxPeers)
        reason = "more than " + std::to_string(kMaxPeers) + " connections";

    if (!reason.empty()) {
        log::Line entry("worker refused");
        entry.with("pid", credentials.pid).with("uid", credentials.uid).with("reason", reason);
        if (refusals_.admits(uv_now(loop_), entry))
            log::warn(entry);
        return send_refusal(socket.get(), reason);
    }
    const ControlPeer::Setup setup{++last_peer_,          credentials,      ring_,
                                   questions_ != nullptr, news_ != nullptr, question_limits_,
                                   answer_limits_};
    ControlPeer::Server& self = *this;
    peers_.emplace(
        setup.id, std::make_unique<ControlPeer>(loop_, std::move(socket), setup, doorbells_, self));
}

// The kernel would report the waiting connection again at once, for ever.
void ControlServer::pause(int error) noexcept {
    try {
        log::error(log::Line("cannot accept workers").with("reason", std::strerror(error)));
    } catch (const std::exception&) {
        // The pause matters more than its entry in the log.
    }
    uv_poll_stop(poll_.get());
    uv_timer_start(
        pause_.get(), [](uv_timer_t* timer) noexcept { owner_of<ControlServer>(timer).listen(); },
        kPauseMs, 0);
}

bool ControlServer::may_attach(uid_t uid) const {
    return uid == 0 || uid == geteuid() ||
           std::find(allow_.begin(), allow_.end(), uid) != allow_.end();
}

void ControlServer::serve(Questions& questions, QuestionLimits limits, AnswerLimits answers) {
    questions_ = &questions;
    question_limits_ = limits;
    answer_limits_ = answers;
}

void ControlServer::on_question(ControlPeer& peer, QuestionInbox::Question question) {
    questions_->on_question(peer.id(), question.number, std::move(question.bytes));
}

void ControlServer::answer(PeerId peer, uint64_t number, const std::string& answer) noexcept {
    if (const auto found = peers_.find(peer); found != peers_.end())
        found->second->answer(number, answer);
}

void ControlServer::on_watch(ControlPeer& peer, std::vector<std::string> sources) {
    news_->on_watch(peer.id(), std::move(sources));
}

void ControlServer::on_refetch(ControlPeer& peer, std::string_view source) {
    news_->on_refetch(peer.id(), source);
}

bool ControlServer::next_news(ControlPeer& peer, std::string& message) {
    return news_->next_news(peer.id(), message);
}

void ControlServer::tell_news() noexcept {
    for (const auto& [id, peer] : peers_)
        peer->tell_news();
}

void ControlServer::on_over(ControlPeer& peer) noexcept {
    const PeerId id = peer.id();
    peers_.erase(id);
    if (news_ != nullptr)
        news_->on_gone(id);
}

}  // namespace herald::sidecar

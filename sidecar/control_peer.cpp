// The state machine of one connection. Every step returns whether the connection goes on; only
// `run` tells the server that it is over.
#include "sidecar/control_peer.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "ring/trust.hpp"

namespace herald::sidecar {

namespace control = ring::control;

namespace {

constexpr uint64_t kHelloWithinMs = 5000;
constexpr size_t kReceive = 64 * 1024;  // bytes
constexpr int kNewsAtOnce = 16;         // messages, before the loop gets its turn again

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

ControlPeer::ControlPeer(uv_loop_t* loop, Fd socket, const Setup& setup, Doorbells& doorbells,
                         Server& server)
    : socket_(std::move(socket)),
      setup_(setup),
      doorbells_(doorbells),
      server_(server),
      inbox_(setup.questions),
      deadline_(make_timer(loop, this)),
      poll_(make_handle<uv_poll_t>(this, "poll a worker's socket", [&](uv_poll_t* poll) {
          return uv_poll_init(loop, poll, socket_.get());
      })) {
    set_deadline(kHelloWithinMs);
    poll(UV_READABLE);
}

ControlPeer::~ControlPeer() {
    if (doorbell_)
        doorbells_.remove(doorbell_.get());
}

// Every step says whether the connection goes on.
template <class Step>
void ControlPeer::run(Step step) noexcept {
    bool goes_on = false;
    try {
        goes_on = step();
    } catch (const std::exception& error) {
        say_refused(error.what());
    }
    if (!goes_on)
        server_.on_over(*this);
}

void ControlPeer::poll(int events) noexcept {
    uv_poll_start(poll_.get(), events, [](uv_poll_t* poll, int status, int ready) noexcept {
        ControlPeer& self = owner_of<ControlPeer>(poll);
        // An error of the socket is told by the next call that reads it.
        self.run([&] { return self.on_ready(status < 0 ? UV_READABLE : ready); });
    });
}

void ControlPeer::set_deadline(uint64_t ms) noexcept {
    uv_timer_start(
        deadline_.get(),
        [](uv_timer_t* timer) noexcept {
            ControlPeer& self = owner_of<ControlPeer>(timer);
            self.run([&] { return self.on_deadline(); });
        },
        ms, 0);
}

bool ControlPeer::on_ready(int events) {
    if ((events & UV_WRITABLE) != 0)
        send_waiting();
    return (events & UV_READABLE) == 0 || receive();
}

bool ControlPeer::on_deadline() {
    if (!doorbell_)
        return refuse("no Hello within 5 s");
    if (fate_ == Fate::OutOfMemory)
        return refuse("out of memory for an answer");
    if (fate_ == Fate::Broken)
        return on_end();
    return refuse("took nothing for " + std::to_string(setup_.answers.stalled_ms) + " ms while " +
                  std::to_string(answers_.size()) + " bytes of answers wait");
}

bool ControlPeer::receive() {
    char buffer[kReceive];
    const ssize_t got = recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0)
        return on_end();
    bytes_.append(buffer, static_cast<size_t>(got));
    return take_frames();
}

bool ControlPeer::take_frames() {
    size_t taken = 0;
    while (taken < bytes_.size()) {
        control::FrameHeader header;
        std::string_view payload;
        const auto found = control::parse(std::string_view(bytes_).substr(taken), header, payload);
        if (found == control::Parse::NeedMore)
            break;
        if (found == control::Parse::BadMagic)
            return refuse("not Herald's control protocol");
        if (found == control::Parse::BadVersion)
            return refuse("control protocol version " + std::to_string(header.version) +
                          ", the sidecar speaks version " + std::to_string(control::kVersion));
        if (found == control::Parse::BadLength)
            return refuse("frame of " + std::to_string(header.length) + " bytes, at most " +
                          std::to_string(control::kMaxPayload) + " are allowed");
        if (!take(header, payload))
            return false;
        taken += sizeof header + payload.size();
    }
    bytes_.erase(0, taken);
    return true;
}

bool ControlPeer::take(const control::FrameHeader& header, std::string_view payload) {
    if (header.type == control::Type::Ask && doorbell_ && setup_.may_ask)
        return take_question(payload);
    if (header.type == control::Type::Watch && doorbell_ && setup_.gets_news)
        return take_watch(payload);
    if (header.type == control::Type::Refetch && doorbell_ && setup_.gets_news)
        return take_refetch(payload);
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
        control::frame(control::Type::Attach, control::Attach{setup_.ring.map_size});
    const int fds[] = {setup_.ring.fd, doorbell.get()};
    const ssize_t sent = control::send_with_descriptors(socket_.get(), frame, fds, 2);
    if (sent != static_cast<ssize_t>(frame.size())) {
        log::warn(entry("worker gone while attaching"));
        return false;
    }

    doorbells_.add(doorbell.get());
    doorbell_ = std::move(doorbell);
    uv_timer_stop(deadline_.get());
    log::info(entry("worker attached"));
    tell_news();
    return true;
}

bool ControlPeer::take_question(std::string_view payload) {
    QuestionInbox::Question question;
    std::string reason;
    switch (inbox_.take(payload, question, reason)) {
        case QuestionInbox::Take::Refused:
            return refuse(reason);
        case QuestionInbox::Take::Part:
            return true;
        case QuestionInbox::Take::Complete:
            break;
    }
    server_.on_question(*this, std::move(question));
    return true;
}

bool ControlPeer::take_watch(std::string_view payload) {
    std::vector<std::string> sources;
    if (!ring::trust::decode_watch(payload, sources))
        return refuse("malformed Watch: at most " + std::to_string(ring::trust::kMaxSources) +
                      " sources, file:/... or url:..., of at most " +
                      std::to_string(ring::trust::kMaxSource) + " bytes");
    server_.on_watch(*this, std::move(sources));
    return true;
}

bool ControlPeer::take_refetch(std::string_view payload) {
    if (!ring::trust::is_source(payload))
        return refuse("malformed Refetch: a source is file:/... or url:...");
    server_.on_refetch(*this, payload);
    return true;
}

// May be called from within on_question: whatever ends the connection waits for the next turn.
void ControlPeer::answer(uint64_t number, std::string_view answer) noexcept {
    if (fate_ != Fate::Open || !inbox_.answer(number))
        return;
    try {
        const bool others_wait = !answers_.empty();
        answers_.push(number, answer);
        if (!others_wait)
            send_waiting();
        else if (!uv_is_active(reinterpret_cast<uv_handle_t*>(deadline_.get())))
            watch_for_stall();
    } catch (const std::exception&) {
        // A question without its answer would take the asker's place for ever.
        end_soon(Fate::OutOfMemory);
    }
}

// Out of memory, the worker would miss a revocation: it is to come anew.
void ControlPeer::tell_news() noexcept {
    if (!doorbell_ || !setup_.gets_news || fate_ != Fate::Open || !answers_.empty())
        return;
    try {
        send_waiting();
    } catch (const std::exception&) {
        end_soon(Fate::OutOfMemory);
    }
}

bool ControlPeer::push_news() {
    std::string message;
    if (!setup_.gets_news || !doorbell_ || !server_.next_news(*this, message))
        return false;
    answers_.push_news(++news_, message);
    return true;
}

void ControlPeer::send_waiting() {
    if (fate_ != Fate::Open)
        return;
    const auto send = [this] {
        return answers_.send(socket_.get(), [this](uint64_t number) { inbox_.close(number); });
    };
    auto result = send();
    int news = 0;
    while (result == AnswerQueue::Send::Done && news < kNewsAtOnce && push_news()) {
        ++news;
        result = send();
    }
    if (result == AnswerQueue::Send::Broken)
        return end_soon(Fate::Broken);
    const bool more = result == AnswerQueue::Send::More || news == kNewsAtOnce;
    poll(more ? UV_READABLE | UV_WRITABLE : UV_READABLE);
    watch_for_stall();
}

// The clock runs from the last byte that was taken while too much waits.
void ControlPeer::watch_for_stall() {
    if (answers_.size() > setup_.answers.max_waiting)
        set_deadline(setup_.answers.stalled_ms);
    else
        uv_timer_stop(deadline_.get());
}

void ControlPeer::end_soon(Fate fate) noexcept {
    fate_ = fate;
    set_deadline(0);
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
    say_refused(reason);
    return false;
}

// Inside of an answer there is no room for another frame.
void ControlPeer::say_refused(std::string_view reason) noexcept {
    if (!answers_.is_mid_answer())
        send_refusal(socket_.get(), reason);
}

log::Line ControlPeer::entry(std::string_view message) const {
    log::Line line(message);
    line.with("pid", setup_.credentials.pid).with("uid", setup_.credentials.uid);
    return line;
}

}  // namespace herald::sidecar

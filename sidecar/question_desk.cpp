// Decodes, bounds, dispatches. What does not decode is answered at once.
#include "sidecar/question_desk.hpp"

#include <algorithm>
#include <utility>

namespace herald::sidecar {

namespace questions = ring::questions;

namespace {

// An asker who wants more asks again: no answer holds the index's thread, or memory, for long.
constexpr uint32_t kMaxAnswer = 1 << 20;  // bytes

std::string encode(const questions::PublishAnswer& answer, std::string_view text) {
    std::string bytes;
    questions::append_bytes(bytes, answer);
    return bytes.append(text);
}

std::string malformed_history() {
    std::string bytes;
    questions::append_bytes(bytes, questions::HistoryAnswer{questions::HistoryStatus::Malformed});
    return bytes;
}

}  // namespace

QuestionDesk::QuestionDesk(ControlServer& server, HistoryService& history, EventIntake& intake)
    : server_(std::make_shared<ControlServer*>(&server)), history_(history), intake_(intake) {}

void QuestionDesk::on_question(PeerId peer, uint64_t number, std::string bytes) {
    std::string_view rest = bytes;
    questions::Kind kind{};
    if (questions::take_kind(rest, kind)) {
        if (kind == questions::Kind::History)
            return ask_history(peer, number, rest);
        if (kind == questions::Kind::Publish)
            return publish(peer, number, rest);
    }
    (*server_)->answer(peer, number, malformed_history());
}

void QuestionDesk::ask_history(PeerId peer, uint64_t number, std::string_view bytes) {
    questions::HistoryQuestion question;
    if (!questions::decode(bytes, question))
        return (*server_)->answer(peer, number, malformed_history());

    question.range.max_bytes = std::min(question.range.max_bytes, kMaxAnswer);
    history_.ask(std::move(question),
                 [weak = std::weak_ptr(server_), peer, number](const std::string& answer) {
                     if (const auto server = weak.lock())
                         (*server)->answer(peer, number, answer);
                 });
}

void QuestionDesk::publish(PeerId peer, uint64_t number, std::string_view bytes) {
    std::string_view channel;
    std::string_view data;
    if (!questions::decode_publish(bytes, channel, data)) {
        questions::PublishAnswer answer;
        answer.status = questions::PublishStatus::Malformed;
        return (*server_)->answer(peer, number, encode(answer, "no question to publish an event"));
    }
    intake_.publish(std::string(channel), std::string(data),
                    [weak = std::weak_ptr(server_), peer, number](
                        const questions::PublishAnswer& answer, const std::string& text) {
                        if (const auto server = weak.lock())
                            (*server)->answer(peer, number, encode(answer, text));
                    });
}

}  // namespace herald::sidecar

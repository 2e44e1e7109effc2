// Decodes, bounds, dispatches. What does not decode is answered at once.
#include "sidecar/question_desk.hpp"

#include "sidecar/wall_clock.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "ring/hash.hpp"

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

std::string encode(const questions::ViewAnswer& head, std::string_view body) {
    std::string bytes;
    bytes.reserve(sizeof head + body.size());
    questions::append_bytes(bytes, head);
    return bytes.append(body);
}

// A hash of the body, which is never 0.
uint64_t tag_of(std::string_view body) {
    return std::max<uint64_t>(XXH3_64bits(body.data(), body.size()), 1);
}

// What the client gets of a view's answer. `tags`: of the bodies that it has.
std::string encode(const ViewAnswer& answer, const std::vector<uint64_t>& tags, bool flush) {
    questions::ViewAnswer head;
    head.status = questions::ViewStatus::Answered;
    head.http_status = static_cast<uint32_t>(answer.status);
    if (answer.body.size() > questions::kMaxViewBody) {
        head.http_status = 500;
        return encode(head, R"({"detail":"The view is larger than 8 MB"})");
    }
    if (!questions::is_view_status(head.http_status)) {
        head.http_status = 500;
        return encode(head, R"({"detail":"The view gave no answer"})");
    }
    if (head.http_status != 200 || flush)
        return encode(head, answer.body);

    head.tag = tag_of(answer.body);
    if (std::find(tags.begin(), tags.end(), head.tag) == tags.end())
        return encode(head, answer.body);
    head.status = questions::ViewStatus::NotModified;
    return encode(head, "");
}

}  // namespace

QuestionDesk::QuestionDesk(ControlServer& server, HistoryService& history, EventIntake& intake,
                           const Views& views, std::vector<PolledPast*> pasts)
    : server_(std::make_shared<ControlServer*>(&server)),
      history_(history),
      intake_(intake),
      views_(views),
      pasts_(std::move(pasts)) {}

void QuestionDesk::on_question(PeerId peer, uint64_t number, std::string bytes) {
    std::string_view rest = bytes;
    questions::Kind kind{};
    if (questions::take_kind(rest, kind)) {
        if (kind == questions::Kind::History)
            return ask_history(peer, number, rest);
        if (kind == questions::Kind::Poll)
            return poll(peer, number, rest);
        if (kind == questions::Kind::Publish)
            return publish(peer, number, rest);
        if (kind == questions::Kind::View)
            return ask_view(peer, number, rest);
    }
    (*server_)->answer(peer, number, malformed_history());
}

void QuestionDesk::ask_history(PeerId peer, uint64_t number, std::string_view bytes) {
    questions::HistoryQuestion question;
    if (!questions::decode(bytes, question))
        return (*server_)->answer(peer, number, malformed_history());

    question.range.max_bytes = std::min(question.range.max_bytes, kMaxAnswer);
    history_.ask(std::move(question), answer_to(peer, number));
}

// The index is asked by seqs alone: whether ids are of its log, the worker sees by itself.
void QuestionDesk::poll(PeerId peer, uint64_t number, std::string_view bytes) {
    questions::HistoryQuestion question;
    if (!questions::decode_poll(bytes, question))
        return (*server_)->answer(peer, number, malformed_history());

    question.range.max_bytes = std::min(question.range.max_bytes, kMaxAnswer);
    for (PolledPast* past : pasts_) {
        if (past->has(question.channels.front()))
            return past->ask(std::move(question), answer_to(peer, number));
    }
    history_.ask(std::move(question), answer_to(peer, number));
}

HistoryAnswers::Answered QuestionDesk::answer_to(PeerId peer, uint64_t number) const {
    return [weak = std::weak_ptr(server_), peer, number](const std::string& answer) {
        if (const auto server = weak.lock())
            (*server)->answer(peer, number, answer);
    };
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

void QuestionDesk::ask_view(PeerId peer, uint64_t number, std::string_view bytes) {
    questions::ViewQuestion question;
    if (!questions::decode(bytes, question))
        return (*server_)->answer(peer, number, encode(questions::ViewAnswer{}, ""));

    const bool flush = question.flush;
    const auto give = [weak = std::weak_ptr(server_), peer, number, flush,
                       tags = std::move(question.tags)](const ViewAnswer& answer) {
        if (const auto server = weak.lock())
            (*server)->answer(peer, number, encode(answer, tags, flush));
    };
    View* view = views_.find(question.name);
    if (view == nullptr) {
        log::Line line("no such view");
        line.with("view", question.name);
        if (complaints_.admits(wall_clock_ms(), line))
            log::warn(line);
        return give({404, R"({"detail":"No such view"})"});
    }
    try {
        view->ask({std::move(question.item), std::move(question.query), flush}, give);
    } catch (const std::exception& error) {
        log::error(
            log::Line("view fails").with("view", question.name).with("reason", error.what()));
        give({500, R"({"detail":"The view failed"})"});
    }
}

}  // namespace herald::sidecar

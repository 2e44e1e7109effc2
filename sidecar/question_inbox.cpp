// Judges a part before it keeps a byte of it.
#include "sidecar/question_inbox.hpp"

#include <utility>

#include "ring/control.hpp"

namespace herald::sidecar {

namespace control = ring::control;

QuestionInbox::Take QuestionInbox::take(std::string_view payload, Question& question,
                                        std::string& reason) {
    control::Part part;
    std::string_view bytes;
    if (!control::decode_part(payload, part, bytes)) {
        reason = "Ask of " + std::to_string(payload.size()) + " bytes, expected at least " +
                 std::to_string(sizeof part);
        return Take::Refused;
    }
    if (part.last > 1 || part.reserved != 0) {
        reason = "malformed Ask: `last` is 0 or 1, what is reserved is 0";
        return Take::Refused;
    }
    reason = find_fault(part.number, bytes.size());
    if (!reason.empty())
        return Take::Refused;

    Entry& entry = entries_[part.number];
    entry.bytes.append(bytes);
    coming_ += bytes.size();
    if (part.last == 0)
        return Take::Part;

    coming_ -= entry.bytes.size();
    entry.state = State::Asked;
    question = {part.number, std::exchange(entry.bytes, {})};
    return Take::Complete;
}

// Why `length` more bytes of a question cannot be taken; empty where they can.
std::string QuestionInbox::find_fault(uint64_t number, size_t length) const {
    const auto entry = entries_.find(number);
    if (entry == entries_.end() && entries_.size() == kMaxUnderWay)
        return "more than " + std::to_string(kMaxUnderWay) + " questions under way";
    if (entry != entries_.end() && entry->second.state != State::Coming)
        return "question " + std::to_string(number) + " is asked already";

    const size_t before = entry == entries_.end() ? 0 : entry->second.bytes.size();
    if (before + length > limits_.max_question)
        return "question of more than " + std::to_string(limits_.max_question) + " bytes";
    if (coming_ + length > limits_.max_coming)
        return "more than " + std::to_string(limits_.max_coming) +
               " bytes of questions that are not complete";
    return {};
}

bool QuestionInbox::answer(uint64_t number) {
    const auto entry = entries_.find(number);
    if (entry == entries_.end() || entry->second.state != State::Asked)
        return false;
    entry->second.state = State::Answered;
    return true;
}

void QuestionInbox::close(uint64_t number) {
    entries_.erase(number);
}

}  // namespace herald::sidecar

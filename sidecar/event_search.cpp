// One scan for the members that are to be equal, one for the message, which is searched by memmem:
// that is linear.
#include "sidecar/event_search.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>

namespace herald::sidecar {

namespace {

constexpr std::array<std::string_view, 4> kMembers = {"type", "event_type", "stage", "status"};
constexpr std::array<std::string_view, 1> kMessage = {"message"};

void to_lower(std::string& text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c | 0x20);
    }
}

bool is_among(std::string_view text, std::span<const std::string> texts) {
    return std::ranges::find(texts, text) != texts.end();
}

}  // namespace

EventSearch::EventSearch(const ring::questions::HistorySearch& search)
    : search_(search), lower_text_(search.text) {
    to_lower(lower_text_);
}

bool EventSearch::matches(std::string_view event, std::string_view data) {
    return has_members(event, data) && (search_.text.empty() || has_text(data));
}

bool EventSearch::has_members(std::string_view event, std::string_view data) {
    const auto& [types, stages, statuses] =
        std::tie(search_.types, search_.stages, search_.statuses);
    if (types.empty() && stages.empty() && statuses.empty())
        return true;
    return scanner_.scan(data, kMembers) && (types.empty() || is_of_type(event)) &&
           (stages.empty() || is_one_of(kStage, stages)) &&
           (statuses.empty() || is_one_of(kStatus, statuses));
}

// A string member, decoded; the view lives until the next call. False: it has no text.
bool EventSearch::text_of(size_t member, std::string_view& text) {
    if (scanner_.member(member) != Member::String)
        return false;
    text = scanner_.raw(member);
    if (text.find('\\') == text.npos)
        return true;
    decoded_.clear();
    if (!unescape_json(text, decoded_))
        return false;
    text = decoded_;
    return true;
}

bool EventSearch::is_of_type(std::string_view event) {
    for (const Wanted member : {kType, kEventType}) {
        if (scanner_.member(member) == Member::String)
            return is_one_of(member, search_.types);
    }
    return is_among(event, search_.types);
}

bool EventSearch::is_one_of(Wanted member, std::span<const std::string> texts) {
    std::string_view text;
    return text_of(member, text) && is_among(text, texts);
}

bool EventSearch::has_text(std::string_view data) {
    std::string_view text;
    if (!scanner_.scan(data, kMessage) || !text_of(0, text) || text.size() < lower_text_.size())
        return false;
    if (text.data() != decoded_.data())
        decoded_.assign(text);
    to_lower(decoded_);
    return memmem(decoded_.data(), decoded_.size(), lower_text_.data(), lower_text_.size()) !=
           nullptr;
}

}  // namespace herald::sidecar

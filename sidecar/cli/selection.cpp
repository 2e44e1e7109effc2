// What the server itself says is never mistaken for what was published: a greeting has no id and
// comes first, a gap has exactly its members, and its name where names come along.
#include "sidecar/cli/selection.hpp"

#include <array>

#include "sidecar/cli/records.hpp"

namespace herald::cli {

namespace {

using sidecar::Member;

constexpr std::array<std::string_view, 4> kGapMembers = {"type", "reason", "from", "to"};

}  // namespace

Sort Sorter::sort(const Received& received, bool first) {
    if (received.too_long)
        return Sort::TooLong;
    if (received.data.empty() || received.data == "{}")
        return Sort::Keepalive;
    if (first && is_greeting(received))
        return Sort::Greeting;
    if (json_problem(json_, received.data) != nullptr)
        return Sort::NotJson;
    return is_gap(received) ? Sort::Gap : Sort::Event;
}

bool Sorter::is_gap(const Received& received) {
    const bool unnamed = received.event.empty() && received.id.empty();
    if ((received.event != "gap" && !unnamed) || !json_.scan(received.data, kGapMembers))
        return false;
    if (json_.member(0) != Member::String || json_.raw(0) != "gap" ||
        json_.member(1) != Member::String || json_.member(2) == Member::Absent ||
        json_.member(3) == Member::Absent)
        return false;
    gap_reason_ = json_.raw(1);
    return true;
}

bool Sorter::is_greeting(const Received& received) {
    if (!received.id.empty())
        return false;
    if (!received.event.empty())
        return received.event == "connected";
    return json_.scan(received.data, std::array<std::string_view, 1>{"type"}) &&
           json_.member(0) == Member::String && json_.raw(0) == "connected";
}

}  // namespace herald::cli

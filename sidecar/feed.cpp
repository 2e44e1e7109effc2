// Patterns as lists of literals. Matching walks them from the left; two patterns overlap where the
// product of two small automata reaches its end.
#include "sidecar/feed.hpp"

#include <algorithm>
#include <stdexcept>

#include "ring/names.hpp"

namespace herald::sidecar {

namespace {

[[noreturn]] void refuse(const std::string& why) {
    throw std::invalid_argument(why);
}

void append_glob(std::string_view literal, std::string& glob) {
    for (char c : literal) {
        if (std::string_view("*?[]^\\").find(c) != std::string_view::npos)
            glob += '\\';
        glob += c;
    }
}

}  // namespace

ChannelPattern::ChannelPattern(std::string_view text) : text_(text) {
    if (text.empty())
        refuse("is empty; expected a channel such as \"orders\" or \"orders:{id}\"");
    if (text.size() > ring::kMaxChannelLength)
        refuse("is longer than the " + std::to_string(ring::kMaxChannelLength) +
               " bytes that a channel may have");
    if (!ring::is_utf8(text) || ring::has_control_characters(text))
        refuse("has a line break, a control character or bytes that are not UTF-8");

    while (true) {
        const size_t brace = text.find_first_of("{}");
        literals_.emplace_back(text.substr(0, brace));
        append_glob(literals_.back(), glob_);
        if (brace == text.npos)
            return;
        if (text[brace] == '}')
            refuse("has a `}` without a `{` before it; a part is written {name}");

        const size_t end = text.find_first_of("{}", brace + 1);
        if (end == text.npos || text[end] == '{')
            refuse("has a `{` without its `}`; a part is written {name}");
        const std::string_view name = text.substr(brace + 1, end - brace - 1);
        if (name.empty())
            refuse("has a part without a name, `{}`; write for example {id}");
        if (std::find(part_names_.begin(), part_names_.end(), name) != part_names_.end())
            refuse("names the part {" + std::string(name) + "} twice; give each its own name");
        if (!part_names_.empty() && literals_.back().empty())
            refuse(
                "has two parts with nothing between them, so that nobody can say where the "
                "first ends; put a separator between them, as in {a}:{b}");
        part_names_.emplace_back(name);
        glob_ += '*';
        text.remove_prefix(end + 1);
    }
}

template <class Visit>
bool ChannelPattern::match(std::string_view channel, Visit&& part) const {
    const std::string& first = literals_.front();
    if (literals_.size() == 1)
        return channel == first;
    if (!channel.starts_with(first))
        return false;
    channel.remove_prefix(first.size());

    // Each part takes as little as it can: what is left for the later ones is then the most.
    for (size_t i = 1; i + 1 < literals_.size(); ++i) {
        const size_t found = channel.find(literals_[i], 1);
        if (found == channel.npos)
            return false;
        part(channel.substr(0, found));
        channel.remove_prefix(found + literals_[i].size());
    }
    const std::string& last = literals_.back();
    if (channel.size() <= last.size() || !channel.ends_with(last))
        return false;
    part(channel.substr(0, channel.size() - last.size()));
    return true;
}

bool ChannelPattern::matches(std::string_view channel) const {
    return match(channel, [](std::string_view) {});
}

bool ChannelPattern::captures(std::string_view channel,
                              std::vector<std::string_view>& values) const {
    values.clear();
    return match(channel, [&](std::string_view value) { values.push_back(value); });
}

// A literal byte; or any one byte; or any bytes, even none. A part is an Any and a Star.
struct ChannelPattern::Step {
    enum Kind { Byte, Any, Star } kind;
    char byte;
};

std::vector<ChannelPattern::Step> ChannelPattern::steps() const {
    std::vector<Step> steps;
    for (size_t i = 0; i < literals_.size(); ++i) {
        if (i > 0) {
            steps.push_back({Step::Any, 0});
            steps.push_back({Step::Star, 0});
        }
        for (char c : literals_[i])
            steps.push_back({Step::Byte, c});
    }
    return steps;
}

// Walks both automata side by side, breadth first, so that the channel found is a shortest one.
std::optional<std::string> ChannelPattern::common_channel(const ChannelPattern& other) const {
    const std::vector<Step> a = steps();
    const std::vector<Step> b = other.steps();
    const size_t width = b.size() + 1;

    struct Visit {
        size_t from;
        char byte;  // that led here, where `took` is set
        bool took;
        bool seen;
    };
    std::vector<Visit> visits((a.size() + 1) * width);
    std::vector<size_t> queue{0};
    visits[0].seen = true;

    for (size_t next = 0; next < queue.size(); ++next) {
        const size_t state = queue[next];
        const size_t i = state / width;
        const size_t j = state % width;
        auto go = [&](size_t to_i, size_t to_j, bool took, char byte) {
            Visit& visit = visits[to_i * width + to_j];
            if (visit.seen)
                return;
            visit = {state, byte, took, true};
            queue.push_back(to_i * width + to_j);
        };

        if (i == a.size() && j == b.size()) {
            std::string channel;
            for (size_t s = state; s != 0; s = visits[s].from) {
                if (visits[s].took)
                    channel += visits[s].byte;
            }
            std::reverse(channel.begin(), channel.end());
            return channel;
        }

        if (i < a.size() && a[i].kind == Step::Star)
            go(i + 1, j, false, 0);
        if (j < b.size() && b[j].kind == Step::Star)
            go(i, j + 1, false, 0);
        if (i == a.size() || j == b.size())
            continue;

        const bool fixed_a = a[i].kind == Step::Byte;
        const bool fixed_b = b[j].kind == Step::Byte;
        if (fixed_a && fixed_b && a[i].byte != b[j].byte)
            continue;
        const char byte = fixed_a ? a[i].byte : fixed_b ? b[j].byte : 'x';
        go(a[i].kind == Step::Star ? i : i + 1, b[j].kind == Step::Star ? j : j + 1, true, byte);
    }
    return std::nullopt;
}

}  // namespace herald::sidecar

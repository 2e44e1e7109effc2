// Feeds: classes of channels that share rules. A feed says which channels are its own by a pattern,
// such as `enrichment:{bom_id}`: literal text and parts in braces. A part stands for one or more
// bytes of any kind.
//
// No two feeds may claim one channel, so that a message belongs to one feed or none.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace herald::sidecar {

class ChannelPattern {
  public:
    // Throws std::invalid_argument, whose text says what is wrong and what would be right.
    explicit ChannelPattern(std::string_view text);

    const std::string& text() const { return text_; }

    // The glob for PSUBSCRIBE. It may match a little more than the pattern: Redis's `*` also
    // stands for nothing.
    const std::string& glob() const { return glob_; }

    bool matches(std::string_view channel) const;

    // A channel that both patterns match, or nothing where there is none.
    std::optional<std::string> common_channel(const ChannelPattern& other) const;
    bool overlaps(const ChannelPattern& other) const { return common_channel(other).has_value(); }

  private:
    struct Step;  // one step of the pattern as an automaton
    std::vector<Step> steps() const;

    std::string text_;
    std::string glob_{};
    std::vector<std::string>
        literals_{};  // text before, between and behind the parts; may be empty
};

struct TransparentHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

// One [[feed]] table.
struct Feed {
    std::string name;
    ChannelPattern channels;
    std::string event{};  // the JSON member that names an event; empty: events have no name
    std::unordered_map<std::string, std::string, TransparentHash, std::equal_to<>> rename{};
    bool log = false;  // print its events to the console
};

}  // namespace herald::sidecar

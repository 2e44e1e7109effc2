// Feeds: classes of channels that share rules. A feed says which channels are its own by a pattern,
// such as `enrichment:{bom_id}`: literal text and parts in braces. A part stands for one or more
// bytes of any kind.
//
// No two feeds may claim one channel, so that a message belongs to one feed or none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "sidecar/event_line.hpp"
#include "sidecar/log.hpp"
#include "sidecar/postgres/table_map.hpp"
#include "sidecar/webhooks/webhook_config.hpp"

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

    // The names of the parts, in their order: `enrichment:{bom_id}` has `bom_id`.
    const std::vector<std::string>& part_names() const { return part_names_; }
    // What the parts stand for in a channel that matches: each is as short as can be, from the
    // left; the last one is what is left.
    // The views are into `channel`. False, with `values` in any state, where it does not match.
    bool captures(std::string_view channel, std::vector<std::string_view>& values) const;

    // A channel that both patterns match, or nothing where there is none.
    std::optional<std::string> common_channel(const ChannelPattern& other) const;
    bool overlaps(const ChannelPattern& other) const { return common_channel(other).has_value(); }

  private:
    // Whether the channel matches; gives `part` what each part stands for, from the left.
    template <class Visit>
    bool match(std::string_view channel, Visit&& part) const;

    struct Step;  // one step of the pattern as an automaton
    std::vector<Step> steps() const;

    std::string text_;
    std::string glob_{};
    std::vector<std::string> part_names_{};
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
    std::unordered_set<std::string, TransparentHash, std::equal_to<>>
        end_on{};          // names (before or after `rename`) of events that end a stream
    std::string dedupe{};  // the JSON member whose repeats are dropped; empty: none are
    std::string time{};    // the JSON member that `since` compares with; empty: time of arrival
    std::string jsonl{};   // the template of its channels' files; empty: none are written
    // Of PostgreSQL, for its events; absent: none.
    std::optional<postgres::TableMap> table{};
    uint64_t retention_ms = 0;            // of its events in the index; 0: no bound
    uint64_t max_events = 0;              // of a channel in the index; 0: no bound
    bool log = false;                     // print its events to the console
    std::optional<EventLine> log_line{};  // how; absent: with all that there is
    std::unordered_map<std::string, log::Level, TransparentHash, std::equal_to<>>
        log_levels{};                       // by names of events, after `rename`; others are Info
    std::vector<WebhookConfig> webhooks{};  // no two with one URL
};

}  // namespace herald::sidecar

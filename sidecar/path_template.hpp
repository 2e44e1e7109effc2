// The path of a channel's file: a template such as `runs/{job_id}/events.jsonl`, whose parts are
// those of the feed's channels.
//
// What a channel's name holds comes from strangers, so a part becomes path components that are
// safe, whatever it holds: no slash, no control character, never `.` or `..`, no leading dot, at
// most 255 bytes. Different channels have different paths: a path can be read back
// (docs/formats.md, per-channel JSONL files). File systems that ignore case are not cared for.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace herald::sidecar {

class PathTemplate {
  public:
    // `part_names`: those of the channels, ChannelPattern::part_names(). Throws
    // std::invalid_argument, whose text says what is wrong and what would be right.
    PathTemplate(std::string_view text, std::span<const std::string> part_names);

    // The path for the values of the parts, in the order of `part_names`, none of them empty. It is
    // absolute where the template is, and has no control characters.
    std::string expand(std::span<const std::string_view> values) const;

  private:
    static constexpr size_t kNoPart = SIZE_MAX;

    // Between two slashes there is at most one part: with two, nobody could say where the first
    // ends.
    struct Component {
        std::string before{};  // literal text
        size_t part = kNoPart;
        std::string behind{};
    };

    Component parse_component(std::string_view text, std::span<const std::string> part_names);
    void require_all_parts(std::span<const std::string> part_names) const;
    void keep_off_own_files() const;

    std::vector<Component> components_{};
    bool absolute_ = false;
};

}  // namespace herald::sidecar

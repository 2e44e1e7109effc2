// An event's console line, out of the parts that a feed's `log` lists:
//
//   log = ["[events] Job {job_id}", "Stage: {stage}", "Payload: {payload}"]
//   [events] Job 7 | Stage: script | Payload: done: 5, tool: <dict>
//
// `{name}` stands for a part of the channel, or for a top-level member of the event. What a part
// asks for and the event has not (or null, or nothing in it) leaves the part out. Values are
// written as Python's logging writes them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace herald::sidecar {

class EventLine {
  public:
    // `part_names`: those of the channels. Throws std::invalid_argument, whose text says what is
    // wrong and what would be right.
    EventLine(std::span<const std::string> parts, std::span<const std::string> part_names);

    // `values` are those of the channel's parts, `data` one JSON value. One line, without control
    // characters. Data that jansson does not take (numbers beyond 64 bits, lone surrogates, deep
    // nesting) counts as without members.
    std::string text(std::span<const std::string_view> values, std::string_view data) const;

  private:
    static constexpr size_t kNoPart = SIZE_MAX;

    struct Part {
        std::string before{};
        std::string member{};  // empty: literal text alone, or a part of the channel
        size_t channel_part = kNoPart;
        std::string behind{};
    };

    static Part parse(std::string_view text, std::span<const std::string> part_names);

    std::vector<Part> parts_{};
};

}  // namespace herald::sidecar

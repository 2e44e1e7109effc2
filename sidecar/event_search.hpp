// Whether an event is one that a search is for (ring::questions::HistorySearch): by what its data
// says at the top level. Times and places are the index's business.
//
//   type       the string member `type`; without one `event_type`; without that the event's name
//   stage      the string member `stage`
//   status     the string member `status`
//   message    the string member `message`
//
// Strings are compared decoded. One with half a surrogate pair has no decoded form and equals
// nothing. What an event costs grows with its size alone, whatever is searched for.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ring/questions.hpp"
#include "sidecar/json_scan.hpp"

namespace herald::sidecar {

class EventSearch {
  public:
    // `search` outlives it.
    explicit EventSearch(const ring::questions::HistorySearch& search);

    bool matches(std::string_view event, std::string_view data);

  private:
    enum Wanted : size_t { kType, kEventType, kStage, kStatus };

    bool text_of(size_t member, std::string_view& text);
    bool is_of_type(std::string_view event);
    bool is_one_of(Wanted member, std::span<const std::string> texts);
    bool has_members(std::string_view event, std::string_view data);
    bool has_text(std::string_view data);

    const ring::questions::HistorySearch& search_;
    std::string lower_text_;
    JsonScanner scanner_{};
    std::string decoded_{};
};

}  // namespace herald::sidecar

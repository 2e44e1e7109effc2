// From a raw message to an event, or to the reason why it is none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ring/layout.hpp"
#include "sidecar/feed.hpp"
#include "sidecar/json_scan.hpp"

namespace herald::sidecar {

// The views live as long as the message, the feed, and until the decoder's next message.
struct Event {
    std::string_view name = "";  // empty: has none
    std::string_view data = "";  // one JSON value without CR and LF, otherwise byte for byte
    bool unfit_name = false;     // the feed's event member is there, but is no name
    bool ends = false;           // its name, before or after `rename`, is in the feed's end_on
    // What the feed's dedupe member holds, a string or a number, as it is written; empty where
    // there is nothing to tell a repeat by.
    std::string_view dedupe_value = "";
};

// Reused from message to message, so that a usual one costs no allocation.
class Decoder {
  public:
    explicit Decoder(uint32_t max_message) : max_message_(max_message) {}

    enum class Result : uint32_t {
        Event,
        Empty,
        TooLarge,
        NotUtf8,
        NotJson,
        BadChannel,
        Unmatched,
    };

    // Checks a message that came for `feed` on `channel`. `event` is set when Event is returned.
    Result decode(const Feed& feed, std::string_view channel, std::string_view payload,
                  Event& event);

  private:
    void name_event(const Feed& feed, Event& event);

    uint32_t max_message_;  // bytes
    JsonScanner scanner_{};
    std::string name_{};  // a name that had escapes
    std::string line_{};  // data that had line breaks
};

// What to count for a message that is no event.
ring::Counter counter_of(Decoder::Result result);

// "not UTF-8", ...: the same for people.
std::string_view reason_of(Decoder::Result result);

}  // namespace herald::sidecar

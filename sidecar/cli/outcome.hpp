// How a connection to a stream ended, and what follows from that. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace herald::cli {

struct Outcome {
    enum class Kind {
        Stopped,   // by whoever hears the events, a signal or a time limit
        Finished,  // the server says that nothing more will come
        Refused,   // trying again would not help: `why` says what would
        Lost,      // to be tried again
    } kind = Kind::Stopped;
    std::string why{};
    std::optional<uint64_t> asked_ms{};  // Lost: how long the server wants to be left alone
};

// Of a response whose status is neither 200 of an event stream nor 101. `detail` is what the
// response's body says, if anything.
Outcome judge_status(int status, std::string_view detail);

// Of the Close frame of a WebSocket (RFC 6455, section 7.4.1). 1000 is the end of the stream.
Outcome judge_close(uint16_t code, std::string_view reason);

// What a body says in one line: the `detail` of a JSON object, else a short text itself; empty
// where it says nothing that is fit for a terminal.
std::string detail_of(std::string_view body);

}  // namespace herald::cli

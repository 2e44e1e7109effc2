// One event as a stream brought it, over SSE or WebSocket.
#pragma once

#include <string_view>

namespace herald::cli {

// Views that live during the call they are passed in.
struct Received {
    std::string_view data{};
    std::string_view event{};  // its name; empty where it has none
    std::string_view id{};     // its own; empty where it has none
    bool too_long = false;     // it was larger than is taken: data is empty
};

}  // namespace herald::cli

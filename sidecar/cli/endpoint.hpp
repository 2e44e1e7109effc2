// Where a stream is: a URL of http, https, ws or wss.
#pragma once

#include <string>
#include <string_view>

namespace herald::cli {

struct Endpoint {
    bool websocket = false;
    std::string url{};     // with http or https, whatever it came with, and without a fragment
    std::string host{};    // as a Host header has it: without the scheme's own port
    std::string target{};  // path and query
    std::string shown{};   // for people: without the query, which may hold a token
};

// Throws std::invalid_argument, whose text says what is wrong and what would be right, and has
// nothing of the URL's user, password and query in it.
Endpoint parse_endpoint(std::string_view text);

// A target whose argument `last_event_id` is `id`, in place of one that it may have.
std::string resumed_target(std::string_view target, std::string_view id);

}  // namespace herald::cli

// Web origins (RFC 6454, section 6.2) as configurations list them and browsers send them.
//
// Pure functions. A browser writes an origin in one way only, so that equality is equality of
// bytes.
#pragma once

#include <string_view>

namespace herald {

// What is wrong with `scheme://host[:port]` in lower case, as an origin to be listed; empty:
// nothing.
std::string_view origin_problem(std::string_view origin);

// Whether a page of that origin and a request with this Host header belong together: host and port
// are the same, where a port that is left out is the scheme's. Over TLS (`secure`) a page that came
// without it is another origin; the other way round TLS may have ended in front of us.
bool is_own_origin(std::string_view origin, std::string_view host, bool secure);

}  // namespace herald

// What a client offers to decompress: the header text of both transports' negotiations.
//
// Pure functions over one header value.
#pragma once

#include <cstdint>
#include <string_view>

namespace herald {

// Whether Accept-Encoding takes gzip (RFC 9110, section 12.5.3): by its name, or by `*`, and not
// with a weight of zero.
bool accepts_gzip(std::string_view header_value);

enum class DeflateOffer : uint8_t {
    None,     // none, or none that can be met
    Plain,    // the window is ours to choose
    Bounded,  // it asks to be told the bound, and the largest will do
};

// The first element of Sec-WebSocket-Extensions that is an offer of permessage-deflate which can be
// met (RFC 7692, section 7.1): all its parameters are known, valid and there once. A window smaller
// than 32 KB cannot be.
DeflateOffer find_deflate_offer(std::string_view header_value);

}  // namespace herald

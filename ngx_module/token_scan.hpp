// Finding tokens in the text of a request: Authorization, cookies, query arguments, offers of
// WebSocket subprotocols; and masking those that would otherwise be logged.
//
// Pure functions over text that clients write: any bytes may come. Nothing here allocates. Nothing
// here judges a token: a value is told from its surroundings, and that is all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace herald {

enum class Scan : uint8_t {
    None,       // no such thing is there
    One,        // it is there, once
    Several,    // there is more than one, and not all say the same
    Malformed,  // it is there and cannot be read
};

// An Authorization header (RFC 6750, section 2.1): `Bearer`, in any case, blanks, a token of
// visible ASCII. None: another scheme.
Scan scan_bearer(std::string_view authorization, std::string_view& token);

// The cookie of that name in one Cookie header (RFC 6265, sections 4.1.1 and 4.2.1), without the
// quotes that it may stand in. An empty one counts as none, equal ones as one; a value that holds
// what no cookie may hold is Malformed. Goes on from `value`, where an earlier header had one.
Scan scan_cookie(std::string_view header, std::string_view name, std::string_view& value);

// The raw value of the arguments with one of these names, as it stands in the query. Names match in
// any case and percent-encoded; an empty value counts as none; two are Several, also when equal.
Scan scan_query(std::string_view query, std::span<const std::string_view> names,
                std::string_view& value);

// Percent-decodes a token out of a query into `out` (at least raw.size() bytes) and returns its
// length. A plus stays a plus, for no token has blanks. nullopt: a broken escape, or a byte that is
// no visible ASCII.
std::optional<size_t> decode_query_token(std::string_view raw, char* out);

// What follows `bearer.` among the offers of one Sec-WebSocket-Protocol header, still encoded.
Scan scan_subprotocols(std::string_view header, std::string_view& encoded);

// Strict base64url (RFC 4648, section 5; no padding, no blanks, no loose bits) into `out` (at least
// encoded.size() bytes); returns the length. nullopt: it is not that, or not visible ASCII inside.
std::optional<size_t> decode_subprotocol_token(std::string_view encoded, char* out);

// -- masking: each overwrites values in place with `*`. `names` are in lower case; they match in
// any case and percent-encoded.

// Text that begins with `name=value` pairs: what stands behind the `?` of a URI.
void mask_query(std::span<char> query, std::span<const std::string_view> names);
// A URI reference, from its first `?` or `#` on.
void mask_uri(std::span<char> uri, std::span<const std::string_view> names);
// A request line, whole or cut anywhere, and whether or not it could be parsed.
void mask_request_line(std::span<char> line, std::span<const std::string_view> names);
// The `bearer.` offers of a Sec-WebSocket-Protocol header.
void mask_subprotocols(std::span<char> header);
// A line of an error log: arguments wherever they stand in it, and the values of header lines that
// carry secrets (`headers`, in lower case) or that nginx quotes because they are wrong.
void mask_log_line(std::span<char> line, std::span<const std::string_view> names,
                   std::span<const std::string_view> headers);

}  // namespace herald

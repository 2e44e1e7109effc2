// Whatever stands in headers, queries and log lines: scanning stays inside, finds what stands
// there, and what it finds is gone once the text is masked.
//
// libFuzzer: clang++ -fsanitize=fuzzer,address,undefined.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "origin.hpp"
#include "token_scan.hpp"

namespace {

using namespace herald;

constexpr std::string_view kNames[] = {"token", "t"};
constexpr std::string_view kHeaders[] = {"authorization", "x-api-key"};

void require(bool holds) {
    if (!holds)
        std::abort();
}

bool is_inside(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() &&
                            part.data() + part.size() <= whole.data() + whole.size());
}

bool is_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

void scan(std::string_view text) {
    std::string_view value;
    if (scan_bearer(text, value) == Scan::One)
        require(!value.empty() && is_inside(value, text) && is_visible(value));
    value = {};
    if (scan_cookie(text, "t", value) == Scan::One)
        require(!value.empty() && is_inside(value, text) && is_visible(value));

    std::string out(text.size(), '\0');
    if (const auto length = decode_query_token(text, out.data()))
        require(*length <= text.size() && is_visible({out.data(), *length}));
    if (const auto length = decode_subprotocol_token(text, out.data()))
        require(*length * 4 <= text.size() * 3 && is_visible({out.data(), *length}));
    origin_problem(text);
    is_own_origin(text, text.substr(text.size() / 2), false);
}

// Masking keeps the length and changes bytes only to stars.
template <class Mask>
std::string mask(std::string_view text, Mask mask_text) {
    std::string masked(text);
    mask_text(std::span<char>(masked));
    require(masked.size() == text.size());
    for (size_t i = 0; i < text.size(); ++i)
        require(masked[i] == text[i] || masked[i] == '*');
    return masked;
}

bool is_stars(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c == '*'; });
}

void check_masking(std::string_view text) {
    const auto arguments = [](std::span<char> t) { mask_query(t, kNames); };
    std::string_view value;
    if (scan_query(text, kNames, value) != Scan::None) {
        const std::string masked = mask(text, arguments);
        require(is_inside(value, text));
        require(
            is_stars(std::string_view(masked).substr(value.data() - text.data(), value.size())));

        const std::string uri = "/x?" + std::string(text);
        const std::string as_uri = mask(uri, [](std::span<char> t) { mask_uri(t, kNames); });
        require(as_uri.substr(3) == masked);
        // A query has no blanks, so that " HTTP/" is not in it.
        if (text.find(' ') == std::string_view::npos)
            require(mask("GET " + uri + " HTTP/1.1", [](std::span<char> t) {
                        mask_request_line(t, kNames);
                    }) == "GET " + as_uri + " HTTP/1.1");
    } else {
        mask(text, arguments);
    }

    if (scan_subprotocols(text, value) == Scan::One) {
        const std::string masked = mask(text, [](std::span<char> t) { mask_subprotocols(t); });
        require(
            is_stars(std::string_view(masked).substr(value.data() - text.data(), value.size())));
    }
    mask(text, [](std::span<char> t) { mask_request_line(t, kNames); });
    mask(text, [](std::span<char> t) { mask_log_line(t, kNames, kHeaders); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
    // A copy of its own size, so that a read behind the end is seen.
    const std::vector<char> copy(input, input + size);
    const std::string_view text(copy.data(), copy.size());
    scan(text);
    check_masking(text);
    return 0;
}

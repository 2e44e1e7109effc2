// Whatever a server sends, and wherever the network cuts it: SseParser reports the same events.
//
// The first bytes of the input choose the bound and seed the cuts; the rest is the stream. It is
// read once whole and once in pieces. libFuzzer: clang++ -fsanitize=fuzzer,address,undefined.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "sidecar/cli/sse_parser.hpp"

namespace {

using herald::cli::Received;
using herald::cli::SseParser;

struct Seen {
    std::string data, event, id, last_id;
    bool too_long;
    bool operator==(const Seen&) const = default;
};

struct Read {
    std::vector<Seen> events{};
    std::string last_id{};
    std::optional<uint64_t> retry_ms{};
    bool operator==(const Read&) const = default;
};

void require(bool holds) {
    if (!holds)
        std::abort();
}

// Every promise of one event, whatever came in.
void check(const Received& event, const std::string& last_id, size_t max_event) {
    constexpr std::string_view kLineEnds = "\r\n";
    require(event.data.size() <= max_event);
    require(!event.too_long || event.data.empty());
    require(event.data.find('\r') == event.data.npos);
    require(event.event.find_first_of(kLineEnds) == event.event.npos);
    require(last_id.find_first_of(std::string_view("\r\n\0", 3)) == last_id.npos);
    require(event.id.empty() || event.id == last_id);
}

// `cut(left)` says how many of the `left` bytes come next, at least one.
template <typename Cut>
Read read(std::string_view bytes, size_t max_event, Cut cut) {
    SseParser parser("", max_event);
    Read read;
    while (!bytes.empty()) {
        const size_t size = cut(bytes.size());
        parser.feed(bytes.substr(0, size), [&](const Received& event) {
            check(event, parser.last_id(), max_event);
            read.events.push_back({std::string(event.data), std::string(event.event),
                                   std::string(event.id), parser.last_id(), event.too_long});
            return true;
        });
        bytes.remove_prefix(size);
    }
    read.last_id = parser.last_id();
    read.retry_ms = parser.retry_ms();
    return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
    if (size < 3)
        return 0;
    const size_t max_event = input[0] < 128 ? input[0] : SseParser::kMaxEvent;
    uint32_t random = input[1] << 8 | input[2] | 1;
    const std::string_view stream(reinterpret_cast<const char*>(input) + 3, size - 3);

    const Read whole = read(stream, max_event, [](size_t left) { return left; });
    const Read pieces = read(stream, max_event, [&random](size_t left) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        return 1 + random % (random & 64 ? 3 : left) % left;
    });
    require(pieces == whole);
    return 0;
}

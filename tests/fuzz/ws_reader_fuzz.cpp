// Whatever a WebSocket server sends, and wherever the network cuts it: WsReader reports the same.
//
// As sse_parser_fuzz.cpp.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "ring/utf8.hpp"
#include "sidecar/cli/ws_frames.hpp"

namespace {

using herald::cli::WsReader;
using Kind = WsReader::Item::Kind;

struct Seen {
    Kind kind;
    std::string payload;
    unsigned code;
    bool operator==(const Seen&) const = default;
};

void require(bool holds) {
    if (!holds)
        std::abort();
}

// Every promise of one item, whatever came in.
void check(const Seen& seen, size_t max_message, bool over) {
    require(!over);
    switch (seen.kind) {
        case Kind::Message:
            require(seen.payload.size() <= max_message);
            break;
        case Kind::TooLong:
            require(seen.payload.empty());
            break;
        case Kind::Error:
            require(!seen.payload.empty() && (seen.code == 1002 || seen.code == 1007));
            break;
        case Kind::Close:
            require(seen.code >= 1000 && seen.code < 5000);
            require(herald::ring::is_utf8(seen.payload));
            [[fallthrough]];
        default:
            require(seen.payload.size() <= 125);
    }
}

// `cut(left)` says how many of the `left` bytes come next, at least one.
template <typename Cut>
std::vector<Seen> read(std::string_view bytes, size_t max_message, Cut cut) {
    WsReader reader(max_message);
    std::vector<Seen> all;
    bool over = false;
    while (!bytes.empty()) {
        const size_t size = cut(bytes.size());
        reader.feed(bytes.substr(0, size));
        bytes.remove_prefix(size);
        for (auto item = reader.next(); item.kind != Kind::NeedMore; item = reader.next()) {
            all.push_back({item.kind, std::string(item.payload), item.code});
            check(all.back(), max_message, over);
            over = item.kind == Kind::Close || item.kind == Kind::Error;
        }
    }
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
    if (size < 3)
        return 0;
    const size_t max_message = input[0] < 128 ? input[0] : WsReader::kMaxMessage;
    uint32_t random = input[1] << 8 | input[2] | 1;
    const std::string_view stream(reinterpret_cast<const char*>(input) + 3, size - 3);

    const std::vector<Seen> whole = read(stream, max_message, [](size_t left) { return left; });
    const std::vector<Seen> pieces = read(stream, max_message, [&random](size_t left) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        return 1 + random % (random & 64 ? 3 : left) % left;
    });
    require(pieces == whole);
    return 0;
}

// Whatever a client sends, and wherever the network cuts it: WsParser reports the same events.
//
// The first bytes of the input choose the bound and seed the cuts; the rest is the stream. It is
// read once whole and once in pieces. libFuzzer: clang++ -fsanitize=fuzzer,address,undefined.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "ws_frame.hpp"

namespace {

using herald::WsParser;
using Result = WsParser::Result;

struct Seen {
    Result result;
    unsigned code, opcode;
    uint64_t length;
    std::string payload;
    bool operator==(const Seen&) const = default;
};

void require(bool holds) {
    if (!holds)
        std::abort();
}

// Every promise of one event, whatever came in.
void check(const Seen& seen, uint64_t max_message, bool over) {
    require(!over);
    switch (seen.result) {
        case Result::Message:
            require(seen.length <= max_message && (seen.opcode == 1 || seen.opcode == 2));
            break;
        case Result::Error:
            require(seen.code == 1002 || seen.code == 1007 || seen.code == 1009);
            break;
        case Result::Close:
            require(seen.code == 0 || (seen.code >= 1000 && seen.code < 5000));
            [[fallthrough]];
        default:
            require(seen.payload.size() <= herald::kWsMaxControl);
    }
}

// `cut(left)` says how many of the `left` bytes come next, at least one.
template <typename Cut>
std::vector<Seen> read(std::string& bytes, uint64_t max_message, Cut cut) {
    WsParser parser(max_message);
    std::vector<Seen> all;
    bool over = false;
    for (size_t at = 0; at < bytes.size();) {
        const size_t end = at + cut(bytes.size() - at);
        while (at < end) {
            size_t used = 0;
            WsParser::Event event;
            const Result result = parser.consume(bytes.data() + at, end - at, used, event);
            require(used > 0 && used <= end - at);
            at += used;
            if (result == Result::NeedMore) {
                require(at == end);
                break;
            }
            all.push_back(
                {result, event.code, event.opcode, event.length, std::string(event.payload)});
            check(all.back(), max_message, over);
            over = result == Result::Close || result == Result::Error;
        }
    }
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
    if (size < 3)
        return 0;
    const uint64_t max_message = input[0] < 128 ? input[0] : uint64_t{1} << (input[0] & 63);
    uint32_t random = input[1] << 8 | input[2] | 1;
    std::string whole(reinterpret_cast<const char*>(input) + 3, size - 3);
    std::string pieces = whole;

    const std::vector<Seen> expected = read(whole, max_message, [](size_t left) { return left; });
    const std::vector<Seen> seen = read(pieces, max_message, [&random](size_t left) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        return 1 + random % (random & 64 ? 3 : left) % left;
    });
    require(seen == expected);

    // Up to an error, where reading stops early, the unmasked bytes are the same too.
    if (expected.empty() || expected.back().result != Result::Error)
        require(pieces == whole);
    return 0;
}

// The ring's layout in shared memory: one header page, then `capacity` bytes of records.
//
// Byte tables, a worked example and the crash cases are in docs/formats.md; the static_asserts
// below pin what that page says. Integers are in the byte order of the machine: the ring never
// leaves it.
//
// A position is a 64-bit byte count since the ring was created. It only grows; the record at
// position p starts at byte p % capacity behind the header. A record never crosses the wrap: where
// it would, a padding record fills the rest.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace herald::ring {

constexpr uint64_t kMagic = 0x474e4952444c5248;  // "HRLDRING" in little-endian order
constexpr uint32_t kVersion = 2;
constexpr uint32_t kHeaderSize = 4096;
constexpr uint32_t kAlignment = 64;  // of records; a padding header always fits before the wrap
constexpr uint64_t kNoPosition = ~uint64_t{0};
constexpr uint32_t kMaxChannelLength = 1024;  // bytes
constexpr uint32_t kMaxEventLength = 255;     // bytes
constexpr uint32_t kPastLogs = 16;

enum class Kind : uint8_t {
    Padding = 1,    // nothing; fills the space before the wrap
    Event = 2,      // a published event
    RedisLost = 3,  // the sidecar lost Redis; no channel, no data
    RedisBack = 4,  // Redis is back: what was published since `from_seq` may be missing
    Away = 5,       // the sidecar was started anew; nobody listened to Redis before
    Gap = 6,        // the journal has lost the events behind `from_seq` up to this seq
};

constexpr uint8_t kEndsStream = 1;  // record flag: this event ends its channel's streams

enum class RedisState : uint32_t { Connecting = 0, Connected = 1, Lost = 2 };
enum class JournalState : uint32_t { Working = 0, Failing = 1 };

// What the sidecar counts, for anyone who maps the ring. Order is part of the layout.
enum Counter : uint32_t {
    kReceived,          // messages read from Redis
    kPublished,         // events put into the ring
    kRejectedEmpty,     // no bytes at all
    kRejectedTooLarge,  // data beyond max_message
    kRejectedUtf8,      // data is not UTF-8
    kRejectedJson,      // data is not one JSON value
    kRejectedChannel,   // channel name too long, not UTF-8, or with control characters
    kUnmatched,         // a channel that no feed claims
    kUnnamed,           // delivered without a name: the event member was no fit name
    kReconnects,        // times that Redis was found again
    kDuplicates,        // repeats that a feed's `dedupe` has dropped
    kJournalErrors,     // writes and syncs of the journal that failed
    kTornLines,         // incomplete lines set aside when the journal was opened
    kJournalLost,       // events that were evicted before they could be written to the journal
    kCounterCount,
};

struct alignas(64) RecordHeader {
    uint32_t length;          //  0: bytes of header, channel, event and data, before alignment
    Kind kind;                //  4
    uint8_t flags;            //  5
    uint16_t channel_length;  //  6: bytes
    uint64_t seq;             //  8
    uint64_t previous;        // 16: position of the channel's previous record, or kNoPosition
    uint64_t previous_seq;    // 24: no record of the channel lies between this seq and `seq`
    uint64_t channel_hash;    // 32: hash_channel(channel, Header::hash_seed)
    uint64_t at_ms;           // 40: time of arrival, milliseconds since 1970
    uint32_t data_length;     // 48: bytes
    uint16_t event_length;    // 52: bytes
    uint16_t reserved16;      // 54: 0
    uint64_t from_seq;        // 56: RedisBack and Gap: see Kind; else 0
};

struct alignas(64) Header {
    uint64_t magic;                 //   0: kMagic
    uint32_t version;               //   8: kVersion
    uint32_t header_size;           //  12: kHeaderSize
    uint64_t capacity;              //  16: bytes of record space, a multiple of kAlignment
    uint32_t log;                   //  24: the journal's name, first half of every id
    uint32_t max_message;           //  28: bytes of data that one record may have
    uint64_t hash_seed;             //  32: for hash_channel
    uint64_t created_ms;            //  40: milliseconds since 1970
    uint64_t incarnation;           //  48: random, never 0; differs for every ring
    uint32_t past_log_count;        //  56: how many of past_logs are set
    uint32_t reserved;              //  60: 0
    uint32_t past_logs[kPastLogs];  //  64: earlier journals of this sidecar, newest first

    // Positions. Writer: `intent`, then the record, then `tail`. Reader: `tail`, copy, then
    // `intent`.
    alignas(64) std::atomic<uint64_t> intent;   // 128: everything before intent - capacity is gone
    alignas(64) std::atomic<uint64_t> tail;     // 192: end of the newest whole record
    std::atomic<uint64_t> last_seq;             // 200: seq of the newest record
    alignas(64) std::atomic<uint64_t> oldest;   // 256: start of the oldest record still whole
    std::atomic<uint64_t> evicted_seq;          // 264: highest seq that is no longer in the ring
    alignas(64) std::atomic<RedisState> redis;  // 320
    std::atomic<JournalState> journal;          // 324
    std::atomic<uint64_t> journaled_seq;        // 328: everything up to here is in the journal
    std::atomic<uint64_t> counters[kCounterCount];  // 336
};

static_assert(sizeof(RecordHeader) == 64 && offsetof(RecordHeader, previous_seq) == 24);
static_assert(offsetof(RecordHeader, channel_hash) == 32 &&
              offsetof(RecordHeader, data_length) == 48);
static_assert(offsetof(Header, capacity) == 16 && offsetof(Header, hash_seed) == 32);
static_assert(offsetof(Header, past_logs) == 64 && offsetof(Header, intent) == 128);
static_assert(offsetof(Header, tail) == 192 && offsetof(Header, last_seq) == 200);
static_assert(offsetof(Header, oldest) == 256 && offsetof(Header, evicted_seq) == 264);
static_assert(offsetof(RecordHeader, from_seq) == 56);
static_assert(offsetof(Header, redis) == 320 && offsetof(Header, counters) == 336);
static_assert(sizeof(Header) <= kHeaderSize);
static_assert(std::atomic<uint64_t>::is_always_lock_free && sizeof(std::atomic<uint64_t>) == 8);

// Bytes that a record of `length` bytes takes in the ring. 64-bit, so that no length can overflow
// it.
constexpr uint64_t aligned(uint64_t length) {
    return (length + kAlignment - 1) & ~uint64_t{kAlignment - 1};
}

}  // namespace herald::ring

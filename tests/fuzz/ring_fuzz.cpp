// A ring whose bytes came from anywhere, and control frames likewise: the reader accepts only what
// lies within the ring, steps only forwards, and ends.
//
// The input is laid over the header's positions and the records of a small ring; what is left over
// is parsed as control frames. AddressSanitizer watches the reader's buffer; the ring's memory ends
// at an unmapped page.
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "ring/control.hpp"
#include "ring/reader.hpp"

namespace {

using namespace herald::ring;

constexpr uint64_t kCapacity = 4096;
constexpr uint64_t kSize = kHeaderSize + kCapacity;

void require(bool holds) {
    if (!holds)
        std::abort();
}

// A sealed ring and this process's writable view of it.
struct Ring {
    Ring() {
        const int fd = memfd_create("herald-fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        require(fd >= 0 && ftruncate(fd, kSize) == 0);
        void* map = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        require(map != MAP_FAILED);
        header = new (map) Header{};
        header->magic = kMagic;
        header->version = kVersion;
        header->header_size = kHeaderSize;
        header->capacity = kCapacity;
        records = static_cast<uint8_t*>(map) + kHeaderSize;
        require(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
        mapping = std::make_unique<Mapping>(fd, kSize);
        close(fd);
    }
    Header* header;
    uint8_t* records;
    std::unique_ptr<Mapping> mapping;
};

// Makes some headers agree with themselves: chance alone would hardly ever find a whole record.
void mend(Ring& ring) {
    for (uint64_t at = 0; at < kCapacity; at += kAlignment) {
        auto& header = *reinterpret_cast<RecordHeader*>(ring.records + at);
        if (header.reserved16 % 4 == 0)
            continue;
        header.kind = static_cast<Kind>(1 + static_cast<unsigned>(header.kind) % 4);
        header.channel_length %= 128;
        header.event_length %= 64;
        header.data_length %= 512;
        header.length = header.kind == Kind::Padding
                            ? static_cast<uint32_t>(kCapacity - at)
                            : static_cast<uint32_t>(sizeof header) + header.channel_length +
                                  header.event_length + header.data_length;
        header.previous %= 2 * kCapacity;
    }
}

void check(const Record& record) {
    require(record.position % kAlignment == 0);
    require(record.position % kCapacity + record.header.length <= kCapacity);
    require(record.header.length == sizeof(RecordHeader) + record.channel.size() +
                                        record.event.size() + record.data.size());
    // Every byte is there.
    uint64_t sum = 0;
    for (std::string_view part : {record.channel, record.event, record.data}) {
        for (char c : part)
            sum += static_cast<unsigned char>(c);
    }
    require(sum <= uint64_t{255} * kCapacity);
}

void read_ring(Ring& ring, uint64_t tail) {
    Reader reader(*ring.mapping);
    for (uint64_t start : {reader.cursor(), tail - kCapacity, uint64_t{0}}) {
        reader.seek(start);
        Record record;
        Poll poll;
        uint64_t before = start;
        for (uint64_t steps = 0; (poll = reader.next(record)) == Poll::Record; ++steps) {
            check(record);
            require(reader.cursor() > before && reader.cursor() <= tail);
            require(steps <= kCapacity / kAlignment);
            before = reader.cursor();
            if (reader.read_at(record.header.previous, record) == Poll::Record)
                check(record);
        }
    }
}

void read_frames(std::string_view bytes) {
    for (;;) {
        control::FrameHeader header;
        std::string_view payload;
        if (control::parse(bytes, header, payload) != control::Parse::Frame)
            return;
        require(payload.size() <= control::kMaxPayload);
        control::Attach attach;
        require(control::decode(payload, attach) == (payload.size() == sizeof attach));
        bytes.remove_prefix(sizeof header + payload.size());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
    static Ring ring;
    uint64_t positions[3];
    if (size < sizeof positions)
        return 0;
    std::memcpy(positions, input, sizeof positions);
    input += sizeof positions;
    size -= sizeof positions;

    // Most positions are near each other, as real ones are; some are anything.
    const bool wild = positions[0] % 8 == 7;
    const uint64_t tail = wild ? positions[0] : positions[0] % (4 * kCapacity) & ~uint64_t{63};
    ring.header->tail.store(tail);
    ring.header->oldest.store(wild ? positions[1] : positions[1] % (4 * kCapacity) & ~uint64_t{63});
    ring.header->intent.store(wild ? positions[2] : tail + positions[2] % 512);

    const size_t records = std::min<size_t>(size, kCapacity);
    std::memset(ring.records, 0, kCapacity);
    if (records != 0)
        std::memcpy(ring.records, input, records);
    mend(ring);
    read_ring(ring, tail);
    read_frames({reinterpret_cast<const char*>(input) + records, size - records});
    read_frames({reinterpret_cast<const char*>(input), size});
    return 0;
}

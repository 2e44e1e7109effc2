// A ring with its writer and one reader in this process, and what tests do with them.
//
// `record_bytes` is the writer's own mapping: writing there is what a broken writer would do.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ring/reader.hpp"
#include "ring/writer.hpp"

namespace herald::ring {

class RingTest : public testing::Test {
  protected:
    static constexpr uint64_t kCapacity = 4096;

    void SetUp() override { open({}); }

    // Makes the ring anew.
    void open(WriterOptions options) {
        if (options.capacity == WriterOptions{}.capacity)
            options.capacity = kCapacity;
        writer = std::make_unique<Writer>(options);
        mapping = std::make_unique<Mapping>(writer->fd(), writer->map_size());
        reader = std::make_unique<Reader>(*mapping);
    }

    // Appends an event with the next seq and returns its position.
    uint64_t append(std::string_view channel, std::string_view data, std::string_view event = "") {
        return writer->append({Kind::Event, 0, ++seq, 0, channel, event, data});
    }
    // An event that takes exactly `size` bytes of the ring, a multiple of kAlignment.
    uint64_t append_sized(uint64_t size, std::string_view channel = "c") {
        return append(channel, std::string(size - sizeof(RecordHeader) - channel.size(), 'x'));
    }

    // Four records of a quarter fill a ring of kCapacity.
    void fill() {
        for (int i = 0; i < 4; ++i)
            append_sized(kCapacity / 4);
    }

    // The seqs that the reader finds until something else than a record comes; that is in `poll`.
    std::string seqs() {
        std::string found;
        Record record;
        while ((poll = reader->next(record)) == Poll::Record)
            found += std::to_string(record.header.seq) + " ";
        return found;
    }

    RecordHeader header_at(uint64_t position) {
        RecordHeader header;
        EXPECT_EQ(reader->header_at(position, header), Poll::Record);
        return header;
    }

    // The writer's view of a position.
    std::byte* record_bytes(uint64_t position) {
        return reinterpret_cast<std::byte*>(&writer->header()) + kHeaderSize +
               position % mapping->capacity();
    }
    RecordHeader& raw_header(uint64_t position) {
        return *reinterpret_cast<RecordHeader*>(record_bytes(position));
    }

    std::unique_ptr<Writer> writer;
    std::unique_ptr<Mapping> mapping;
    std::unique_ptr<Reader> reader;
    uint64_t seq = 0;
    Poll poll = Poll::Empty;
};

}  // namespace herald::ring

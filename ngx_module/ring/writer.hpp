// The ring's one writer: lives in the sidecar, single-threaded, never waits for a reader.
//
// To append a record it
//   1. forgets the records that the new one will overwrite (`oldest`, `evicted_seq` move on),
//   2. stores `intent`: from here on readers disbelieve what they copied from that space,
//   3. writes a padding record if the record would cross the wrap, and the record itself,
//   4. stores `tail` with release: readers see the whole record or nothing of it.
// A writer that dies anywhere in between leaves a ring that readers can drain up to `tail`.
//
// `Probe` is called between the steps; the default does nothing and costs nothing. The fault tests
// pass one that kills the process.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>
#include <system_error>
#include <vector>

#include "channel_table.hpp"
#include "hash.hpp"
#include "layout.hpp"
#include "memory_file.hpp"

namespace herald::ring {

struct WriterOptions {
    uint64_t capacity = 64 << 20;    // bytes; rounded up to whole pages
    uint32_t max_message = 1 << 20;  // bytes of data
    uint32_t log = 0;                // the journal's name
    uint64_t base_seq = 0;  // the last seq before this ring; the first record has a higher one
    uint64_t hash_seed = 0;
    uint64_t incarnation = 1;  // random, never 0
    uint64_t created_ms = 0;
    std::vector<uint32_t> past_logs{};  // newest first; at most kPastLogs are kept
};

// What to append. The views need to live only during the call.
struct NewRecord {
    Kind kind = Kind::Event;
    uint8_t flags = 0;
    uint64_t seq = 0;    // above every earlier one
    uint64_t at_ms = 0;  // milliseconds since 1970
    std::string_view channel{};
    std::string_view event{};
    std::string_view data{};
    uint64_t from_seq = 0;  // RedisBack and Gap: what came behind this seq may be missing
};

enum class Step { Forgot, Intended, Padded, HeaderWritten, BodyWritten, Published };
struct NoProbe {
    void operator()(Step) const {}
};

template <class Probe = NoProbe>
class BasicWriter {
  public:
    // Creates the memfd, allocates it whole, maps it, and seals it against resizing and against any
    // other writable mapping. Throws std::system_error.
    explicit BasicWriter(const WriterOptions& options, Probe probe = {}) : probe_(probe) {
        capacity_ = (options.capacity + 4095) & ~uint64_t{4095};
        map_size_ = kHeaderSize + capacity_;

        fd_ = make_memory_file("herald-ring", MFD_ALLOW_SEALING);
        if (fd_ < 0)
            throw std::system_error(errno, std::generic_category(), "memfd_create");
        try {
            allocate();
        } catch (...) {
            close(fd_);
            throw;
        }

        header_ = new (map_) Header{};
        header_->version = kVersion;
        header_->header_size = kHeaderSize;
        header_->capacity = capacity_;
        header_->log = options.log;
        header_->max_message = options.max_message;
        header_->hash_seed = options.hash_seed;
        header_->created_ms = options.created_ms;
        header_->incarnation = options.incarnation;
        for (uint32_t past : options.past_logs) {
            if (header_->past_log_count == kPastLogs)
                break;
            header_->past_logs[header_->past_log_count++] = past;
        }
        header_->last_seq.store(options.base_seq, std::memory_order_relaxed);
        header_->evicted_seq.store(options.base_seq, std::memory_order_relaxed);
        header_->magic = kMagic;
        records_ = static_cast<std::byte*>(map_) + kHeaderSize;
    }

    ~BasicWriter() {
        munmap(map_, map_size_);
        close(fd_);
    }
    BasicWriter(const BasicWriter&) = delete;
    BasicWriter& operator=(const BasicWriter&) = delete;

    int fd() const { return fd_; }                   // owned by the writer
    uint64_t map_size() const { return map_size_; }  // bytes of the whole memfd
    Header& header() { return *header_; }

    // Whether a record with these lengths can be appended at all: at most half of the ring, and 1
    // GiB.
    bool fits(size_t channel, size_t event, size_t data) const {
        return channel <= kMaxChannelLength && event <= kMaxEventLength &&
               data <= header_->max_message &&
               aligned(sizeof(RecordHeader) + channel + event + data) <=
                   std::min(capacity_ / 2, uint64_t{1} << 30);
    }

    // Appends one record and returns its position. `fits` must hold.
    uint64_t append(const NewRecord& record) {
        const uint64_t length =
            sizeof(RecordHeader) + record.channel.size() + record.event.size() + record.data.size();
        const uint64_t size = aligned(length);
        const uint64_t to_wrap = capacity_ - tail_ % capacity_;
        const uint64_t padding = to_wrap < size ? to_wrap : 0;
        const uint64_t end = tail_ + padding + size;

        forget_until(end);
        const uint64_t position = tail_ + padding;
        RecordHeader header =
            describe(record, position);  // may throw bad_alloc: nothing is written yet
        header.length = static_cast<uint32_t>(length);
        probe_(Step::Forgot);

        // Pairs with the acquire fence before the reader's second look at `intent`: whoever copied
        // a byte written below also sees this store.
        header_->intent.store(end, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_release);
        probe_(Step::Intended);

        if (padding != 0) {
            RecordHeader pad{};
            pad.length = static_cast<uint32_t>(padding);
            pad.kind = Kind::Padding;
            std::memcpy(at(tail_), &pad, sizeof pad);
        }
        probe_(Step::Padded);

        std::byte* out = at(position);
        std::memcpy(out, &header, sizeof header);
        probe_(Step::HeaderWritten);

        out += sizeof header;
        for (std::string_view part : {record.channel, record.event, record.data})
            out = std::copy_n(reinterpret_cast<const std::byte*>(part.data()), part.size(), out);
        probe_(Step::BodyWritten);

        tail_ = end;
        header_->last_seq.store(record.seq, std::memory_order_relaxed);
        header_->tail.store(tail_, std::memory_order_release);  // pairs with the reader's acquire
        probe_(Step::Published);
        return position;
    }

    // Drops every record: the ring begins behind `seq`, the highest one so far. Only while nobody
    // reads.
    void forget_all(uint64_t seq) {
        header_->evicted_seq.store(seq, std::memory_order_relaxed);
        header_->oldest.store(tail_, std::memory_order_release);
        newest_.clear();
    }

    // Channels that still have a record in the ring.
    size_t channels() const { return newest_.size(); }

  private:
    void allocate() {
        int error = posix_fallocate(fd_, 0, static_cast<off_t>(map_size_));
        if (error != 0)
            throw std::system_error(error, std::generic_category(), "allocate the ring");

        map_ = mmap(nullptr, map_size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
        if (map_ == MAP_FAILED)
            throw std::system_error(errno, std::generic_category(), "map the ring");

        // FUTURE_WRITE spares the mapping above and refuses every later writable one.
        if (fcntl(fd_, F_ADD_SEALS,
                  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0) {
            int saved = errno;
            munmap(map_, map_size_);
            throw std::system_error(saved, std::generic_category(), "seal the ring");
        }
    }

    std::byte* at(uint64_t position) { return records_ + position % capacity_; }

    RecordHeader describe(const NewRecord& record, uint64_t position) {
        RecordHeader header{};
        header.kind = record.kind;
        header.flags = record.flags;
        header.channel_length = static_cast<uint16_t>(record.channel.size());
        header.event_length = static_cast<uint16_t>(record.event.size());
        header.data_length = static_cast<uint32_t>(record.data.size());
        header.seq = record.seq;
        header.at_ms = record.at_ms;
        header.from_seq = record.from_seq;
        header.channel_hash = hash_channel(record.channel, header_->hash_seed);

        newest_.reserve();
        header.previous = newest_.assign(header.channel_hash, position, [&](uint64_t newest) {
            return channel_at(newest) == record.channel;
        });
        header.previous_seq = header.previous == kNoPosition
                                  ? header_->evicted_seq.load(std::memory_order_relaxed)
                                  : header_at(header.previous).seq;
        return header;
    }

    RecordHeader header_at(uint64_t position) {
        RecordHeader header;
        std::memcpy(&header, at(position), sizeof header);
        return header;
    }

    std::string_view channel_at(uint64_t position) {
        return {reinterpret_cast<const char*>(at(position)) + sizeof(RecordHeader),
                header_at(position).channel_length};
    }

    // Drops every record that starts before end - capacity. Reads only what this process wrote.
    void forget_until(uint64_t end) {
        uint64_t oldest = header_->oldest.load(std::memory_order_relaxed);
        if (end - oldest <= capacity_)
            return;
        uint64_t evicted = header_->evicted_seq.load(std::memory_order_relaxed);
        while (end - oldest > capacity_ && oldest != tail_) {
            const RecordHeader header = header_at(oldest);
            if (header.kind != Kind::Padding) {
                evicted = header.seq;
                newest_.erase(header.channel_hash, oldest);
            }
            oldest += aligned(header.length);
        }
        header_->evicted_seq.store(evicted, std::memory_order_relaxed);
        header_->oldest.store(oldest, std::memory_order_release);
    }

    Probe probe_;
    int fd_ = -1;
    void* map_ = nullptr;
    Header* header_ = nullptr;
    std::byte* records_ = nullptr;
    uint64_t capacity_ = 0;
    uint64_t map_size_ = 0;
    uint64_t tail_ = 0;
    ChannelTable newest_{};  // of the records in the ring
};

using Writer = BasicWriter<>;

}  // namespace herald::ring

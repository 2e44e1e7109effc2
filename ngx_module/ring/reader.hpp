// A reader of the ring: lives in every worker, maps it read-only, never blocks and never writes.
//
// It believes nothing before it has checked it: `tail` is taken with acquire, a header is copied
// out and `intent` looked at again before a single field is used, every length is held against the
// ring's bounds, and after the payload was copied `intent` is looked at once more. A record that
// the writer may have touched in the meantime is `Lapped`; one that contradicts itself is
// `Corrupt`.
//
// `Checks` exists for the mutants in the tests, which prove that each check is needed.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "layout.hpp"

namespace herald::ring {

struct AllChecks {
    static constexpr bool kBounds = true;  // positions against tail, lengths against the ring
    static constexpr bool kIntentOnHeader = true;  // `intent` again before a header is believed
    static constexpr bool kIntentOnBody = true;    // `intent` again after the payload was copied
};

enum class Poll {
    Empty,    // nothing at or behind the position yet
    Record,   // a whole record
    Lapped,   // the writer has overwritten, or may be overwriting, this position
    Corrupt,  // not a record: a broken writer, or not our memory
};

// A record copied out of the ring. The views point into the reader's buffer and live until its next
// read.
struct Record {
    RecordHeader header;
    uint64_t position = 0;
    std::string_view channel;
    std::string_view event;
    std::string_view data;
};

// A read-only mapping of a sealed ring. Throws std::runtime_error with both values named when the
// memory is no ring that this build can read.
class Mapping {
  public:
    // Does not keep the descriptor. `expected_size`: bytes, as the sidecar announced them.
    Mapping(int fd, uint64_t expected_size) {
        struct stat status {};
        if (fstat(fd, &status) != 0)
            throw std::system_error(errno, std::generic_category(), "fstat the ring");
        if (static_cast<uint64_t>(status.st_size) != expected_size || expected_size < kHeaderSize)
            fail("size", static_cast<uint64_t>(status.st_size), expected_size);

        // Without these seals a truncated file would kill the worker with SIGBUS.
        const int needed = F_SEAL_SHRINK | F_SEAL_GROW;
        int seals = fcntl(fd, F_GET_SEALS);
        if (seals < 0 || (seals & needed) != needed)
            fail("seals", static_cast<uint64_t>(seals < 0 ? 0 : seals), needed);

        size_ = expected_size;
        map_ = mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, 0);
        if (map_ == MAP_FAILED)
            throw std::system_error(errno, std::generic_category(), "map the ring");
        try {
            check_header();
        } catch (...) {
            munmap(map_, size_);
            throw;
        }
    }
    ~Mapping() { munmap(map_, size_); }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;

    const Header& header() const { return *static_cast<const Header*>(map_); }
    const std::byte* records() const { return static_cast<const std::byte*>(map_) + kHeaderSize; }
    uint64_t capacity() const { return size_ - kHeaderSize; }  // checked at mapping, cannot change

  private:
    void check_header() const {
        const Header& header = this->header();
        if (header.magic != kMagic)
            fail("magic", header.magic, kMagic);
        if (header.version != kVersion)
            fail("version", header.version, kVersion);
        if (header.header_size != kHeaderSize)
            fail("header size", header.header_size, kHeaderSize);
        if (header.capacity != capacity() || capacity() % kAlignment != 0 || capacity() == 0)
            fail("capacity", header.capacity, capacity());
    }
    [[noreturn]] static void fail(const char* what, uint64_t found, uint64_t wanted) {
        throw std::runtime_error(std::string("ring has ") + what + " " + std::to_string(found) +
                                 ", expected " + std::to_string(wanted));
    }

    void* map_ = nullptr;
    uint64_t size_ = 0;
};

template <class Checks = AllChecks>
class BasicReader {
  public:
    explicit BasicReader(const Mapping& mapping)
        : header_(mapping.header()), records_(mapping.records()), capacity_(mapping.capacity()) {
        seek(header_.oldest.load(std::memory_order_acquire));
    }

    uint64_t cursor() const { return cursor_; }  // the position of the next record to read
    void seek(uint64_t position) {
        cursor_ = position;
        offset_ = position % capacity_;
    }

    // Where reading can start again after Lapped.
    uint64_t oldest() const { return header_.oldest.load(std::memory_order_acquire); }
    // Behind the newest record.
    uint64_t tail() const { return header_.tail.load(std::memory_order_acquire); }
    // Everything up to this seq is no longer in the ring.
    uint64_t evicted_seq() const { return header_.evicted_seq.load(std::memory_order_acquire); }

    // Copies out the header of the record at the cursor, stepping over padding; does not advance.
    Poll peek(RecordHeader& header) {
        for (;;) {
            Poll poll = copy_header(cursor_, offset_, header);
            if (poll != Poll::Record || header.kind != Kind::Padding)
                return poll;
            skip(header);
        }
    }

    // Goes past the record that `peek` has just returned. Records come from another processor's
    // cache, and are mostly as long as those before them: one that is a few further on is fetched
    // meanwhile. Where the guess is wrong nothing is lost but the fetch.
    void skip(const RecordHeader& header) {
        const uint64_t size = aligned(header.length);
        cursor_ += size;
        offset_ += size;
        if (offset_ >= capacity_)
            offset_ %= capacity_;
        __builtin_prefetch(records_ + offset_ + kRecordsAhead * size);
    }

    // The next whole record; advances when it returns Record.
    Poll next(Record& record) {
        RecordHeader header;
        Poll poll = peek(header);
        if (poll != Poll::Record)
            return poll;
        poll = body(cursor_, header, record);
        if (poll == Poll::Record)
            skip(header);
        return poll;
    }

    // The record at any position, such as one that a later record names as its previous one.
    Poll read_at(uint64_t position, Record& record) {
        RecordHeader header;
        Poll poll = header_at(position, header);
        if (poll != Poll::Record)
            return poll;
        if (header.kind == Kind::Padding)
            return Poll::Corrupt;
        return body(position, header, record);
    }

    // Only the header of the record at a position.
    Poll header_at(uint64_t position, RecordHeader& header) const {
        return copy_header(position, position % capacity_, header);
    }

    // Copies the payload behind a header that `header_at` or `peek` has returned for this position.
    Poll body(uint64_t position, const RecordHeader& header, Record& record) {
        const size_t length = header.length - sizeof header;
        reserve(length);
        std::memcpy(buffer_.get(), records_ + position % capacity_ + sizeof header, length);
        if constexpr (Checks::kIntentOnBody) {
            if (overwritten(position))
                return Poll::Lapped;
        }

        const char* bytes = buffer_.get();
        record.header = header;
        record.position = position;
        record.channel = {bytes, header.channel_length};
        record.event = {bytes + header.channel_length, header.event_length};
        record.data = {bytes + header.channel_length + header.event_length, header.data_length};
        return Poll::Record;
    }

  private:
    static constexpr uint64_t kRecordsAhead = 3;

    // `offset`: of the position, behind the ring's header. A division less for whoever knows it.
    Poll copy_header(uint64_t position, uint64_t offset, RecordHeader& header) const {
        const uint64_t tail = header_.tail.load(std::memory_order_acquire);
        if (position == tail)
            return Poll::Empty;
        if constexpr (Checks::kBounds) {
            if (position > tail || position % kAlignment != 0)
                return Poll::Corrupt;
            if (tail - position > capacity_)
                return Poll::Lapped;
        }

        std::memcpy(&header, records_ + offset, sizeof header);
        if constexpr (Checks::kIntentOnHeader) {
            if (overwritten(position))
                return Poll::Lapped;
        }
        if constexpr (Checks::kBounds) {
            if (!plausible(capacity_ - offset, tail - position, header))
                return Poll::Corrupt;
        }
        return Poll::Record;
    }

    // Whether the writer has said that it will write, or has written, over this position. The fence
    // pairs with the writer's release fence after `intent`: if a copied byte was new, so is
    // `intent`.
    bool overwritten(uint64_t position) const {
        std::atomic_thread_fence(std::memory_order_acquire);
        return header_.intent.load(std::memory_order_relaxed) > position + capacity_;
    }

    // `room`: bytes before the wrap. `written`: bytes before the tail.
    static bool plausible(uint64_t room, uint64_t written, const RecordHeader& header) {
        const uint64_t size = aligned(header.length);
        if (size > room || size > written)
            return false;
        if (header.kind == Kind::Padding)
            return header.length == room;
        if (header.kind < Kind::Padding || header.kind > Kind::Gap)
            return false;
        return header.length == uint64_t{sizeof header} + header.channel_length +
                                    header.event_length + header.data_length;
    }

    void reserve(size_t length) {
        if (length <= buffer_size_)
            return;
        buffer_size_ = length + length / 2;
        buffer_ = std::make_unique<char[]>(buffer_size_);
    }

    const Header& header_;
    const std::byte* records_;
    uint64_t capacity_;
    uint64_t cursor_ = 0;
    uint64_t offset_ = 0;  // cursor_ % capacity_
    size_t buffer_size_ = 4096;
    std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(buffer_size_);
};

using Reader = BasicReader<>;

}  // namespace herald::ring

// A reader of a fault run: reads every ring to its end and holds each record against what it must
// be. At the first record that is wrong it says why and exits with 1.
//
// What it asserts:
//   - no record is accepted that is not, byte by byte, the message with its seq;
//   - seqs grow, and each one that is missing was reported lost (Lapped and `evicted_seq`);
//   - what was published before a writer died is read, or was reported lost;
//   - Corrupt is never said of a sound ring, and always of a damaged one.
#pragma once

#include <sched.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

#include "message.hpp"
#include "ring/reader.hpp"
#include "ring_message.hpp"
#include "shared.hpp"

namespace herald::fault {

enum class Habit {
    Steady,    // reads as a worker does
    Stalling,  // takes its time between a header and its payload
    Edgy,      // also reads again where the writer is about to overwrite, and at nonsense positions
};

template <class Checks>
class ChaosReader {
  public:
    ChaosReader(int index, Shared& shared, int socket, uint64_t seed)
        : index_(index),
          habit_(static_cast<Habit>(index % 3)),
          shared_(shared),
          self_(shared.readers[index]),
          socket_(socket),
          dice_(mix(seed) + static_cast<uint64_t>(index)),
          messages_(seed) {}

    [[noreturn]] void run() {
        RingMessage message = wait_for_ring();
        while (message.incarnation != 0) {
            attach(message);
            message = read_to_the_end();
        }
        if (last_ != shared_.journaled.load())
            fail("the run is over, but not everything was read or reported");
        std::exit(0);
    }

  private:
    using Reader = ring::BasicReader<Checks>;
    using Poll = ring::Poll;

    RingMessage wait_for_ring() {
        RingMessage message;
        if (receive_ring(socket_, -1, message) != Receipt::Ring)
            std::exit(0);  // the harness has ended the run
        return message;
    }

    void attach(const RingMessage& message) {
        reader_.reset();
        edge_.reset();
        mapping_ = std::make_unique<ring::Mapping>(message.fd, message.map_size);
        close(message.fd);
        reader_ = std::make_unique<Reader>(*mapping_);
        edge_ = std::make_unique<Reader>(*mapping_);
        incarnation_ = message.incarnation;
        last_of_ring_ = 0;
        damaged_ = false;
        report_lost(reader_->evicted_seq());
        self_.attached.store(incarnation_);
    }

    // Reads the ring until its writer is known to be dead and nothing is left; returns the next.
    RingMessage read_to_the_end() {
        std::optional<RingMessage> next;
        for (;;) {
            if (step()) {
                if (habit_ == Habit::Edgy)
                    look_at_the_edge();
                continue;
            }
            if (next) {
                check_drained();
                return *next;
            }
            RingMessage message;
            switch (receive_ring(socket_, 0, message)) {
                case Receipt::Ring:
                    next = message;  // and once more: there may be something since
                    break;
                case Receipt::Gone:
                    std::exit(0);
                case Receipt::None:
                    sched_yield();
            }
        }
    }

    // One record, or one loss; false: there is nothing more.
    bool step() {
        ring::RecordHeader header;
        const Poll poll = damaged_ ? Poll::Empty : reader_->peek(header);
        switch (poll) {
            case Poll::Empty:
                return false;
            case Poll::Lapped:
                add(self_.lapped);
                reader_->seek(reader_->oldest());  // first this, then how far the loss goes
                report_lost(reader_->evicted_seq());
                return true;
            case Poll::Corrupt:
                take_damage();
                return true;
            case Poll::Record:
                take(header);
        }
        return true;
    }

    void take(const ring::RecordHeader& header) {
        check_header(header);
        if (header.seq <= last_of_ring_)
            fail("seq went back", header.seq);
        if (header.seq <= last_) {
            last_of_ring_ = header.seq;
            add(self_.skipped);
            reader_->skip(header);
            return;
        }
        if (header.seq != last_ + 1)
            fail("silent gap before", header.seq);

        // As in a worker, the payload matters only where somebody listens.
        if (header.channel_hash % 8 == 0) {
            add(self_.peeked);
        } else {
            stall();
            ring::Record record;
            const Poll poll = reader_->body(reader_->cursor(), header, record);
            if (poll == Poll::Lapped)
                return;  // said again by the next step
            if (poll != Poll::Record)
                fail("a payload that is neither there nor lapped", header.seq);
            check_payload(record);
            add(self_.accepted);
        }
        reader_->skip(header);
        last_of_ring_ = header.seq;
        last_ = header.seq;
        self_.last.store(last_, std::memory_order_relaxed);
    }

    // Whatever lies where the writer writes next is a record or lapped. So is what it links to.
    void look_at_the_edge() {
        edge_->seek(edge_->oldest());
        stall();
        ring::Record record;
        Poll poll = edge_->next(record);
        for (int steps = 0; poll == Poll::Record && steps < 4; ++steps) {
            check_header(record.header);
            check_payload(record);
            add(self_.rechecked);
            const ring::RecordHeader newer = record.header;
            if (newer.previous == ring::kNoPosition)
                break;
            stall();
            poll = edge_->read_at(newer.previous, record);
            if (poll == Poll::Record && record.header.seq != newer.previous_seq)
                fail("a link to another record than it says", newer.seq);
        }
        if (poll == Poll::Corrupt)
            require_damage(edge_->cursor());

        const uint64_t wild[] = {ring::kNoPosition, ring::kNoPosition - 63,
                                 edge_->tail() + (uint64_t{1} << 40),
                                 edge_->oldest() + 1 + dice_.below(63)};
        poll = edge_->read_at(wild[dice_.below(4)], record);
        if (poll != Poll::Corrupt)
            fail("nonsense position was not called corrupt");
    }

    void stall() {
        if (habit_ == Habit::Steady || !dice_.one_in(4))
            return;
        if (dice_.one_in(8))
            sched_yield();
        for (uint64_t turns = dice_.below(1000); turns > 0; --turns)
            std::atomic_signal_fence(std::memory_order_seq_cst);
    }

    void report_lost(uint64_t up_to) {
        if (up_to <= last_)
            return;
        add(self_.lost, up_to - last_);
        last_ = up_to;
        self_.last.store(last_, std::memory_order_relaxed);
    }

    // The seq of the damaged record, which is the last one of its ring.
    uint64_t require_damage(uint64_t position) {
        const Incarnation& ring = shared_.incarnations[incarnation_];
        const uint64_t vandal = ring.vandal.load(std::memory_order_acquire);
        if (vandal == 0)
            fail("a sound ring was called corrupt at position", position);
        return vandal;
    }
    void take_damage() {
        const uint64_t vandal = require_damage(reader_->cursor());
        if (last_ + 1 < vandal)
            fail("called corrupt before the damaged record", last_ + 1);
        damaged_ = true;
        add(self_.damaged);
        report_lost(vandal);
    }

    void check_drained() {
        const Incarnation& ring = shared_.incarnations[incarnation_];
        if (last_ < ring.published.load(std::memory_order_acquire))
            fail("published before the kill, but not readable", last_ + 1);
        if (!damaged_ && ring.vandal.load(std::memory_order_acquire) > last_of_ring_ &&
            ring.vandal.load() <= ring.published.load())
            fail("a damaged record went unnoticed", ring.vandal.load());
    }

    void check_header(const ring::RecordHeader& header) {
        if (header.seq > shared_.journaled.load(std::memory_order_acquire))
            fail("a seq that was never given", header.seq);
        if (header.reserved16 != 0 || header.from_seq != 0)
            fail("a header with reserved bytes set", header.seq);
        if (const char* what = messages_.wrong_header(header, mapping_->header().hash_seed))
            fail(what, header.seq);
    }
    void check_payload(const ring::Record& record) {
        const char* what =
            messages_.wrong_payload(record.header.seq, record.channel, record.event, record.data);
        if (what != nullptr)
            fail(what, record.header.seq);
    }

    [[noreturn]] void fail(const char* what, uint64_t number = 0) {
        std::fprintf(stderr,
                     "reader %d, ring %" PRIu64 ", behind seq %" PRIu64 ": wrong: %s %" PRIu64 "\n",
                     index_, incarnation_, last_, what, number);
        std::_Exit(1);
    }

    int index_;
    Habit habit_;
    Shared& shared_;
    ReaderState& self_;
    int socket_;
    Random dice_;
    Messages messages_;
    std::unique_ptr<ring::Mapping> mapping_;
    std::unique_ptr<Reader> reader_, edge_;
    uint64_t incarnation_ = 0;
    uint64_t last_ = 0;          // read or reported lost, over all rings
    uint64_t last_of_ring_ = 0;  // read in this ring
    bool damaged_ = false;       // the ring has ended in a damaged record
};

}  // namespace herald::fault

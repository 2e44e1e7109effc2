// An event log on a journal of its own, and its ring as a worker reads it.
#pragma once

#include <sys/eventfd.h>

#include <memory>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "journal_fixture.hpp"
#include "ring/reader.hpp"
#include "sidecar/config.hpp"
#include "sidecar/doorbells.hpp"
#include "sidecar/event_log.hpp"
#include "sidecar/fd.hpp"

namespace herald::sidecar {

// A record or an entry, by value.
struct Seen {
    ring::Kind kind = ring::Kind::Event;
    uint64_t seq = 0;
    uint64_t from_seq = 0;
    uint64_t at_ms = 0;
    bool ends = false;
    std::string channel{};
    std::string event{};
    std::string data{};

    bool operator==(const Seen&) const = default;
};

inline void PrintTo(const Seen& seen, std::ostream* out) {
    *out << "kind " << static_cast<int>(seen.kind) << " seq " << seen.seq << " from "
         << seen.from_seq << " at " << seen.at_ms << (seen.ends ? " end " : " ") << seen.channel
         << " " << seen.event << " " << seen.data;
}

// The kind, seq and from_seq of each.
using Outline = std::vector<std::tuple<ring::Kind, uint64_t, uint64_t>>;
inline Outline outline(const std::vector<Seen>& all) {
    Outline out;
    for (const Seen& seen : all)
        out.emplace_back(seen.kind, seen.seq, seen.from_seq);
    return out;
}

class EventLogFixture : public JournalFixture {
  protected:
    EventLogFixture() {
        config_.ring_size = 1 << 20;
        config_.max_message = 1000;
        doorbells_.add(bell_.get());
    }
    ~EventLogFixture() override { stop_log(); }

    // Opens the journal, and fills a ring from it.
    void start_log() {
        start(config_.journal);
        fill_ring();
    }
    void fill_ring() {
        events_ = std::make_unique<EventLog>(loop_->get(), config_, *journal_, doorbells_);
        mapping_ = std::make_unique<ring::Mapping>(events_->ring_fd(), events_->ring_map_size());
        remembered_.clear();
        events_->rebuild(0,
                         [this](const JournalEntry& entry) { remembered_.push_back(seen(entry)); });
    }
    void stop_log() {
        mapping_.reset();
        events_.reset();
        stop();
    }
    // The end that `kill -9` makes.
    void kill_log() {
        const std::string promise = read_file(continuity_path());
        stop_log();
        put_file(continuity_path(), promise);
    }
    void restart_log() {
        stop_log();
        start_log();
    }

    // Appends an event whose data holds its number, and says which seq it got.
    uint64_t append(uint64_t n) {
        const std::string data = data_of(n);
        JournalEntry entry;
        entry.channel = "jobs:1";
        entry.event = "progress";
        entry.data = data;
        return events_->append(entry);
    }
    // The same for some, as one batch.
    void commit(uint64_t first, uint64_t last) {
        for (; first <= last; ++first)
            append(first);
        events_->commit();
    }

    static Seen seen(const JournalEntry& entry) {
        return {entry.kind,
                entry.id.seq,
                entry.from_seq,
                entry.at_ms,
                entry.ends,
                std::string(entry.channel),
                std::string(entry.event),
                std::string(entry.data)};
    }

    // What the ring has.
    std::vector<Seen> shown() const {
        std::vector<Seen> all;
        ring::Reader reader(*mapping_);
        ring::Record record;
        while (reader.next(record) == ring::Poll::Record)
            all.push_back({record.header.kind, record.header.seq, record.header.from_seq,
                           record.header.at_ms, (record.header.flags & ring::kEndsStream) != 0,
                           std::string(record.channel), std::string(record.event),
                           std::string(record.data)});
        return all;
    }

    // What the journal has.
    std::vector<Seen> journaled() const {
        std::vector<Seen> all;
        JournalReader reader(journal_->segments(), 0);
        JournalEntry entry;
        while (reader.next(entry) == JournalReader::Read::Entry)
            all.push_back(seen(entry));
        return all;
    }

    const ring::Header& header() const { return mapping_->header(); }
    uint64_t count(ring::Counter counter) const { return header().counters[counter]; }

    // How often the doorbell rang since the last look.
    uint64_t rings() const {
        uint64_t value = 0;
        return read(bell_.get(), &value, sizeof value) == sizeof value ? value : 0;
    }

    void run_until_caught_up() {
        run_until([this] { return !events_->is_behind(); });
    }

    Config config_{};
    Fd bell_{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    Doorbells doorbells_{};
    std::unique_ptr<EventLog> events_{};
    std::unique_ptr<ring::Mapping> mapping_{};
    std::vector<Seen> remembered_{};  // what `rebuild` has told of
};

}  // namespace herald::sidecar

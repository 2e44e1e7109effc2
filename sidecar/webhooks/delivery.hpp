// One event on its way to one webhook.
#pragma once

#include <cstdint>
#include <string>

#include "sidecar/journal_entry.hpp"

namespace herald::sidecar {

struct Delivery {
    ring::EventId id{};
    uint64_t at_ms = 0;     // the event's arrival, milliseconds since 1970
    uint64_t since_ms = 0;  // from when on its time for retries counts, on the same clock
    bool ends = false;
    std::string channel{};
    std::string event{};  // empty: no name
    std::string data{};
    uint32_t attempts = 0;
    long status = 0;      // of the last answer; 0: none
    std::string error{};  // what went wrong last

    bool kept = false;           // in the queue file
    uint32_t kept_attempts = 0;  // that the queue file knows of

    JournalEntry entry() const {
        return {ring::Kind::Event, ends, id, 0, at_ms, channel, event, data};
    }
    static Delivery of(const JournalEntry& entry, uint64_t since_ms) {
        Delivery delivery;
        delivery.id = entry.id;
        delivery.at_ms = entry.at_ms;
        delivery.since_ms = since_ms;
        delivery.ends = entry.ends;
        delivery.channel = entry.channel;
        delivery.event = entry.event;
        delivery.data = entry.data;
        return delivery;
    }
};

}  // namespace herald::sidecar

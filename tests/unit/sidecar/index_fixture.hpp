// An index in a directory of its own, with short ways to feed it and to ask it.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/index.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {

using ring::questions::HistoryAnswer;
using ring::questions::HistoryItem;
using ring::questions::HistoryItemView;
using ring::questions::HistoryQuestion;
using ring::questions::HistoryRange;
using ring::questions::HistoryStatus;
using ring::questions::Order;

// An answer, taken apart.
struct History {
    struct Item {
        HistoryItem header;
        std::string channel, event, data;
    };
    HistoryAnswer head;
    std::vector<Item> items{};
    size_t bytes = 0;  // of all items

    std::vector<uint64_t> seqs() const {
        std::vector<uint64_t> out;
        for (const Item& item : items)
            out.push_back(item.header.seq);
        return out;
    }
};

inline History parse_history(std::string_view bytes) {
    History out;
    EXPECT_TRUE(ring::questions::take_bytes(bytes, out.head));
    out.bytes = bytes.size();
    while (!bytes.empty()) {
        HistoryItemView view;
        if (!ring::questions::take_item(bytes, view)) {
            ADD_FAILURE() << "an item that does not decode";
            break;
        }
        out.items.push_back({view.header, std::string(view.channel), std::string(view.event),
                             std::string(view.data)});
    }
    EXPECT_EQ(out.head.count, out.items.size());
    return out;
}

class IndexTest : public testing::Test {
  protected:
    static constexpr uint64_t kStartMs = 1'700'000'000'000;

    // Of a pattern with nothing set: add it to `feeds_` before `open`.
    static Feed feed(std::string_view pattern) {
        return {.name = std::string(pattern), .channels = ChannelPattern(pattern)};
    }

    uint64_t open() { return index_.open(); }

    // Arrives `seq` seconds after kStartMs.
    void put(uint64_t seq, std::string_view channel, std::string_view data = "1",
             bool ends = false) {
        put_at(kStartMs + seq * 1000, seq, channel, data, ends);
    }
    void put_at(uint64_t at_ms, uint64_t seq, std::string_view channel, std::string_view data = "1",
                bool ends = false) {
        JournalEntry entry;
        entry.id = {1, seq};
        entry.at_ms = at_ms;
        entry.channel = channel;
        entry.event = "tick";
        entry.data = data;
        entry.ends = ends;
        index_.apply(entry);
    }
    void put_notice(uint64_t seq, ring::Kind kind, uint64_t from_seq = 0) {
        JournalEntry entry;
        entry.kind = kind;
        entry.id = {1, seq};
        entry.from_seq = from_seq;
        entry.at_ms = kStartMs + seq * 1000;
        index_.apply(entry);
    }

    History ask(const HistoryRange& range, std::vector<std::string> channels = {"a"}) {
        HistoryQuestion question;
        question.range = range;
        question.channels = std::move(channels);
        return parse_history(index_.answer(question));
    }

    // Microseconds of the arrival of `put(seq, ...)`.
    static int64_t time_of(uint64_t seq) {
        return static_cast<int64_t>(kStartMs + seq * 1000) * 1000;
    }

    TemporaryDirectory directory_{};
    std::string path_ = directory_ / "index.db";
    std::vector<Feed> feeds_{};
    Index index_{path_, feeds_};
};

}  // namespace herald::sidecar

// A feed whose table answers history, and what an answer says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fake_history.hpp"
#include "ring/questions.hpp"
#include "sidecar/feed.hpp"

namespace herald::sidecar::postgres {

constexpr uint32_t kHistoryLog = 0x7efa2c01;

inline Feed history_feed() {
    Feed feed{.name = "jobs", .channels = ChannelPattern("jobs:{id}")};
    feed.event = "type";
    feed.table.emplace();
    feed.table->name = {"t"};
    feed.table->columns = default_history_columns();
    feed.table->columns.push_back({"id", parse_source("$id", {})});
    feed.table->unique = "id";
    feed.table->history = find_history_columns(feed.table->columns, "position", true);
    return feed;
}

inline ring::questions::HistoryQuestion poll_of(ring::questions::PolledIds ids = {},
                                                uint32_t limit = 100) {
    ring::questions::HistoryQuestion question;
    question.range.order =
        ids.after ? ring::questions::Order::Forward : ring::questions::Order::Newest;
    question.range.limit = limit;
    question.channels = {"jobs:1"};
    question.poll = ids;
    return question;
}

struct Answered {
    ring::questions::HistoryAnswer head{};
    std::vector<uint64_t> seqs{};
    std::vector<std::string> data{};
};

inline Answered read_answer(std::string_view bytes) {
    Answered answered;
    ring::questions::take_bytes(bytes, answered.head);
    ring::questions::HistoryItemView item;
    while (ring::questions::take_item(bytes, item)) {
        answered.seqs.push_back(item.header.seq);
        answered.data.emplace_back(item.data);
    }
    return answered;
}

}  // namespace herald::sidecar::postgres

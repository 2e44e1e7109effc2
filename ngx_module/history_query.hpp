// What herald_history is asked and what it answers, without nginx: arguments of the URL, the
// question to the sidecar, ETags, and the JSON. Pure functions (docs/directives.md).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "encoding.hpp"
#include "ring/questions.hpp"

namespace herald {

// Arguments as they stand in the URL; an empty one is none.
struct HistoryArguments {
    std::string_view since{};
    std::string_view after{};
    std::string_view limit{};
    std::string_view until{};
    std::string_view before{};
    std::string_view text{};                // q
    std::vector<std::string_view> types{};  // alternatives, as are the next two
    std::vector<std::string_view> stages{};
    std::vector<std::string_view> statuses{};
};

// Takes the arguments out of a query string. Their names are alike in either case; of repeated ones
// the first counts, except where they are alternatives.
HistoryArguments split_arguments(std::string_view query);

struct HistoryQuery {
    std::string since{};  // percent-decoded; empty: none
    std::optional<int64_t> since_us{};
    std::optional<EventId> after{};
    std::optional<EventId> before{};
    uint32_t limit = 100;                     // events
    ring::questions::HistorySearch search{};  // without what `before` says

    // From the oldest, or from the newest back.
    bool is_forward() const { return after || since_us; }
    bool is_search() const { return before || search.is_any(); }
};

// Reads the arguments; returns nothing, or what is wrong with them, for the client.
std::string_view parse_arguments(const HistoryArguments& arguments, HistoryQuery& query);

// -- where `after` is in the log

struct LogView {
    uint32_t log = 0;
    uint64_t newest_seq = 0;
    std::span<const uint32_t> past_logs{};
};

struct Place {
    uint64_t after_seq = 0;          // to go on behind
    std::optional<GapReason> gap{};  // why it is not the one that was asked for
};
Place place_of(const std::optional<EventId>& after, const LogView& log);

// -- question and answer

// `up_to_seq`: nothing behind it. `known_seq`: the newest event that the client knows; 0: none.
ring::questions::HistoryQuestion make_question(const std::string& channel,
                                               const HistoryQuery& query, const Place& place,
                                               uint64_t up_to_seq, uint64_t known_seq);

// A decoded answer; its views are into the bytes.
struct HistoryPage {
    ring::questions::HistoryAnswer header{};
    std::vector<ring::questions::HistoryItemView> events{};
};
// False where the bytes contradict themselves.
bool decode_page(std::string_view bytes, HistoryPage& page);

std::string history_json(const HistoryQuery& query, const Place& place, uint32_t log,
                         const HistoryPage& page, uint64_t now_ms);

// -- ETags

// Of everything that tells two questions apart.
uint64_t hash_query(std::string_view channel, const HistoryQuery& query);
// A weak one: the JSON also says what time it is. `newest`: the channel's newest event.
std::string make_tag(EventId newest, uint64_t hash);
// The newest event of the answer that a client has, by its If-None-Match, to just this query.
std::optional<EventId> find_tag(std::string_view if_none_match, uint64_t hash);

}  // namespace herald

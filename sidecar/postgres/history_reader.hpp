// Answers polls from a feed's table (ring/questions.hpp), as IndexReader does from the index: the
// same events for the same question, with the same bounds.
//
//   ids         positions, of the table's own log (table_past.hpp)
//   an event    a row with a channel, a time and the event itself; others are none of ours
//
// An answer is one transaction that only reads: the log, the channel's newest row, and then rows in
// batches by (channel, position), which one index gives in that order.
#pragma once

#include <atomic>
#include <string>

#include "ring/questions.hpp"
#include "sidecar/feed.hpp"
#include "sidecar/postgres/config.hpp"
#include "sidecar/postgres/database.hpp"
#include "sidecar/postgres/history_schema.hpp"
#include "sidecar/postgres/table_past.hpp"

namespace herald::sidecar::postgres {

class HistoryReader {
  public:
    // Nobody waits for the answer any more; the transaction is still open.
    struct GivenUp {};

    // `feed` has a table with history; the references outlive the reader.
    HistoryReader(const Feed& feed, const PostgresConfig& config);

    // HistoryAnswer and its items. `is_whole`: the table has all that it is to have by now, so that
    // a channel without a row is one that nobody has heard of. Throws Error, Stopped,
    // std::runtime_error and GivenUp.
    std::string answer(Connection& connection, const HistorySchema& schema,
                       const ring::questions::HistoryQuestion& question, bool is_whole,
                       const std::atomic<bool>& given_up) const;

  private:
    class Rows;

    uint64_t newest_of(Connection& connection, const HistorySchema& schema,
                       const std::string& channel) const;

    const Feed& feed_;
    const PostgresConfig& config_;
    std::string table_;  // quoted
    TablePast past_;
};

}  // namespace herald::sidecar::postgres

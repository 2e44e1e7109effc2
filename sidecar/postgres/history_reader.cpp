#include "sidecar/postgres/history_reader.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "ring/timestamp.hpp"
#include "sidecar/history_walk.hpp"
#include "sidecar/index_search.hpp"

namespace herald::sidecar::postgres {

using ring::EventId;
using ring::questions::HistoryAnswer;
using ring::questions::HistoryItem;
using ring::questions::HistoryQuestion;
using ring::questions::HistoryRange;
using ring::questions::HistorySearch;
using ring::questions::HistoryStatus;
using ring::questions::Order;

namespace {

constexpr size_t kMostBytes = 1 << 20;  // of items, and of one batch's events
constexpr size_t kBatch = 256;          // rows, at first; a search takes more by and by
constexpr size_t kLargestBatch = 4096;

struct Row {
    uint64_t position = 0;
    std::string event{};
    std::string data{};  // empty where it is not in time: it was left where it is
    bool in_time = true;
};

size_t bytes_of(const HistoryRange& range) {
    return range.max_bytes == 0 ? kMostBytes : std::min<size_t>(range.max_bytes, kMostBytes);
}

bool is_sound(const HistoryQuestion& question) {
    return question.poll && question.channels.size() == 1 &&
           (question.range.order == Order::Forward || question.range.order == Order::Newest);
}

std::string time_text(int64_t us) {
    std::string text;
    if (us == INT64_MIN || us == INT64_MAX)
        return us == INT64_MIN ? "-infinity" : "infinity";
    ring::append_time_us(text, us);
    return text;
}

// What makes a row one of the channel's events.
std::string is_event(const HistoryColumns& columns, const HistorySchema& schema) {
    return quote_identifier(columns.channel) + " = $1 AND " + quote_identifier(schema.data) +
           " IS NOT NULL AND " + quote_identifier(columns.time);
}

// Ends behind the row with which the events' bytes reach $7; the first one comes in any case.
// Events that are not in time have no bytes, and stay where they are.
std::string batch_statement(const TableMap& table, const HistorySchema& schema, bool down) {
    const HistoryColumns& columns = *table.history;
    const std::string position = quote_identifier(columns.position);
    const std::string time = quote_identifier(columns.time);
    const std::string event =
        columns.event.empty() ? "NULL::text" : quote_identifier(columns.event) + "::text";
    const std::string order = down ? " DESC" : "";
    return "SELECT p, e, CASE WHEN i THEN d END, i FROM (SELECT p, e, d, i, sum(CASE WHEN i THEN"
           " octet_length(d) ELSE 0 END) OVER (ORDER BY p" +
           order + " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS b FROM (SELECT " +
           position + " AS p, " + event + " AS e, " + quote_identifier(schema.data) +
           "::text AS d, " + time + " <= $5::timestamptz AS i FROM " + quote_name(table.name) +
           " WHERE " + is_event(columns, schema) + " > $4::timestamptz AND " + position +
           " > $2::bigint AND " + position + " <= $3::bigint ORDER BY " + position + order +
           " LIMIT $6::bigint) AS picked) AS measured WHERE coalesce(b, 0) < $7::bigint"
           " ORDER BY p" +
           order;
}

}  // namespace

// A channel's rows in one direction, read ahead in batches: those of a HistoryWalk.
class HistoryReader::Rows {
  public:
    struct Range {
        uint64_t low = 0;   // behind this position ...
        uint64_t high = 0;  // ... up to this one
        int64_t since_us = INT64_MIN;
        int64_t until_us = INT64_MAX;
        size_t batch = kBatch;
        size_t bytes = kMostBytes;
        bool down = false;  // from the newest
    };

    Rows(Connection& connection, std::string statement, std::string channel, const Range& range,
         const std::atomic<bool>& given_up)
        : connection_(connection),
          statement_(std::move(statement)),
          channel_(std::move(channel)),
          range_(range),
          given_up_(given_up) {
        fill();
    }

    bool is_end() const { return next_ == rows_.size(); }
    static bool is_event() { return true; }
    uint64_t seq() const { return rows_[next_].position; }
    bool has_events() const { return !is_end(); }

    bool put(std::string& out, IndexSearch& search) const {
        const Row& row = rows_[next_];
        if (!search.passes(row.in_time) || !search.finds(row.event, row.data))
            return false;
        HistoryItem item;
        item.seq = row.position;
        // What others have inserted may have names that no event of ours has.
        const bool has_name = row.event.size() <= ring::kMaxEventLength;
        ring::questions::append_item(out, item, channel_, has_name ? row.event : "", row.data);
        return true;
    }

    void pop() {
        if (++next_ == rows_.size())
            fill();
    }

  private:
    void fill() {
        rows_.clear();
        next_ = 0;
        if (range_.low >= range_.high)
            return;
        if (given_up_.load(std::memory_order_relaxed))
            throw GivenUp{};
        const std::string values[] = {channel_,
                                      std::to_string(range_.low),
                                      std::to_string(range_.high),
                                      time_text(range_.since_us),
                                      time_text(range_.until_us),
                                      std::to_string(range_.batch),
                                      std::to_string(range_.bytes)};
        take(connection_.execute(statement_, values));
    }

    void take(Result found) {
        size_t bytes = 0;
        for (auto& row : found.rows) {
            rows_.push_back({number_of(row[0]), std::move(row[1]).value_or(""),
                             std::move(row[2]).value_or(""), row[3] == "t"});
            bytes += rows_.back().data.size();
        }
        if (rows_.size() < range_.batch && bytes < range_.bytes)
            range_.low = range_.high;  // that was all
        else if (range_.down)
            range_.high = rows_.back().position - 1;
        else
            range_.low = rows_.back().position;
        range_.batch = std::min(range_.batch * 2, kLargestBatch);
    }

    Connection& connection_;
    std::string statement_;
    std::string channel_;
    Range range_;
    const std::atomic<bool>& given_up_;
    std::vector<Row> rows_{};
    size_t next_ = 0;
};

HistoryReader::HistoryReader(const Feed& feed, const PostgresConfig& config)
    : feed_(feed),
      config_(config),
      table_(quote_name(feed.table->name)),
      past_(table_, quote_name(config.checkpoints)) {}

uint64_t HistoryReader::newest_of(Connection& connection, const HistorySchema& schema,
                                  const std::string& channel) const {
    const HistoryColumns& columns = *feed_.table->history;
    const std::string position = quote_identifier(columns.position);
    const std::string values[] = {channel};
    const Result found = connection.execute(
        "SELECT " + position + " FROM " + table_ + " WHERE " + is_event(columns, schema) +
            " IS NOT NULL ORDER BY " + position + " DESC LIMIT 1",
        values);
    return found.rows.empty() ? 0 : number_of(found.rows[0][0]);
}

std::string HistoryReader::answer(Connection& connection, const HistorySchema& schema,
                                  const HistoryQuestion& question, bool is_whole,
                                  const std::atomic<bool>& given_up) const {
    HistoryAnswer answer;
    std::string out(sizeof answer, '\0');
    const auto finish = [&](HistoryStatus status) {
        answer.status = status;
        std::memcpy(out.data(), &answer, sizeof answer);
        return std::move(out);
    };
    if (!is_sound(question))
        return finish(HistoryStatus::Malformed);

    connection.execute(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL"
        " statement_timeout = " +
        std::to_string(config_.statement_timeout_ms));
    const auto place = past_.find(connection);
    if (!place)
        throw std::runtime_error("the table's history has no log yet");
    const std::string& channel = question.channels.front();
    answer.log = place->log;
    answer.newest_seq = newest_of(connection, schema, channel);
    answer.seen_seq = std::max(place->position, answer.newest_seq);
    answer.known = answer.newest_seq != 0 ? 1 : is_whole ? 0 : 2;

    const auto& [after, before, known] = *question.poll;
    HistorySearch wanted = question.search;
    wanted.before_seq = before ? std::max<uint64_t>(before->seq, 1) : 0;
    HistoryStatus status = HistoryStatus::Found;
    if (before && before->log != answer.log) {
        status = HistoryStatus::OtherLog;
    } else if (known == EventId{answer.log, answer.newest_seq} && answer.newest_seq != 0) {
        status = HistoryStatus::NotModified;
    } else {
        const HistoryRange& range = question.range;
        IndexSearch search(wanted);
        Rows::Range asked;
        if (after && after->log == answer.log && after->seq <= answer.seen_seq)
            asked.low = after->seq;
        asked.high =
            before ? std::min(wanted.before_seq - 1, answer.newest_seq) : answer.newest_seq;
        asked.since_us = range.since_us;
        asked.until_us = wanted.until_us;
        asked.down = range.order == Order::Newest;
        asked.bytes = bytes_of(range);
        if (range.limit != 0 && !search.is_any())
            asked.batch = size_t{range.limit} + 1;
        Rows rows(connection, batch_statement(*feed_.table, schema, asked.down), channel, asked,
                  given_up);
        HistoryWalk walk(range, asked.bytes, search, answer);
        if (asked.down)
            walk.newest(rows, out);
        else
            walk.forward(rows, out);
    }
    connection.execute("COMMIT");
    return finish(status);
}

}  // namespace herald::sidecar::postgres

// In the order in which a row meets it: opening (what the table has to be like, and how far it is),
// gathering, writing.
#include "sidecar/postgres/table_projection.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "ring/id.hpp"
#include "sidecar/postgres/table_schema.hpp"
#include "sidecar/state_directory.hpp"
#include "sidecar/step.hpp"

namespace herald::sidecar::postgres {

namespace {

using namespace std::chrono_literals;

constexpr size_t kStatementBytes = 1 << 20;  // of rows, unless a single one has more
constexpr auto kCheckpointApart = 5s;        // where there are no rows to go with it

std::string describe(const Error& error) {
    if (error.sqlstate().empty())
        return error.what();
    return std::string(error.what()) + " (SQLSTATE " + error.sqlstate() + ")";
}

uint64_t now_ms() {
    using std::chrono::milliseconds;
    return static_cast<uint64_t>(std::chrono::duration_cast<milliseconds>(
                                     std::chrono::steady_clock::now().time_since_epoch())
                                     .count());
}

}  // namespace

TableProjection::TableProjection(const Feed& feed, const PostgresConfig& config, Database& database,
                                 DeadLetters& dead_letters, const JournalPlace& journal)
    : feed_(feed),
      config_(config),
      database_(database),
      dead_letters_(dead_letters),
      journal_(journal),
      table_(quote_name(feed.table->name)),
      checkpoints_(quote_name(config.checkpoints)),
      insert_(insert_statement(*feed.table, nullptr)),
      builder_(feed) {
    if (feed.table->history)
        past_.emplace(table_, checkpoints_);
    figures_.feed = feed.name;
    figures_.table = text_of(*feed.table);
}

// Lets go of the connection where something fails, so that nothing half done can be committed. The
// thread says that it fails; this says it again where the reason is another one by now.
template <class Work>
void TableProjection::guarded(Work&& work) {
    std::string reason;
    try {
        return work();
    } catch (const Stopped&) {
        connection_.reset();
        forget_rows();
        return;
    } catch (const Error& error) {
        reason = describe(error);
    } catch (const std::exception& error) {
        reason = error.what();
    }
    connection_.reset();
    forget_rows();
    note_failure(reason);
    throw std::runtime_error(reason);
}

void TableProjection::note_failure(const std::string& reason) {
    const std::lock_guard lock(mutex_);
    if (failing_ && reason != figures_.error)
        log::error(log::Line("postgres fails").with("feed", feed_.name).with("reason", reason));
    failing_ = true;
    figures_.error = reason;
}

TableFigures TableProjection::figures() const {
    const std::lock_guard lock(mutex_);
    return figures_;
}

void TableProjection::forget_rows() {
    rows_.clear();
    text_.clear();
    if (text_.capacity() > 2 * kStatementBytes)
        text_.shrink_to_fit();
}

// -- opening

uint64_t TableProjection::open() {
    guarded([&] {
        connection_.reset();
        forget_rows();
        connection_ = database_.connect();
        connection_->execute("BEGIN; SET LOCAL statement_timeout = " +
                             std::to_string(config_.statement_timeout_ms));
        make_checkpoints();
        if (past_)
            open_history();
        check_columns(*connection_, *feed_.table);
        check_unique(*connection_, *feed_.table);
        checkpoint_seq_ = load_checkpoint();
        connection_->execute("COMMIT");
        opened_ = true;
        applied_seq_ = checkpoint_seq_;
        checkpointed_at_ = Clock::now();
    });
    return applied_seq_;
}

void TableProjection::make_checkpoints() {
    const std::string name[] = {checkpoints_};
    const auto is_there = [&] {
        return connection_->execute("SELECT to_regclass($1)", name).rows.at(0).at(0).has_value();
    };
    if (is_there())
        return;
    // IF NOT EXISTS fails all the same for two who do it at once.
    connection_->execute("SELECT " + lock_of_checkpoints());
    if (is_there())
        return;
    try {
        connection_->execute("CREATE TABLE IF NOT EXISTS " + checkpoints_ +
                             " (log text, feed text, relation text, seq bigint NOT NULL,"
                             " PRIMARY KEY (log, feed, relation))");
    } catch (const Error& error) {
        throw Error(error.sqlstate(),
                    "there is no table " + checkpoints_ +
                        " for checkpoints, and it cannot be created: " + error.what());
    }
}

// Until it is done, nothing is read from the table.
void TableProjection::open_history() {
    set_schema(std::nullopt);
    HistorySchema schema = check_history(*connection_, *feed_.table);
    past_->make(*connection_);
    if (!schema.has_index && !std::exchange(warned_, true))
        log::warn(log::Line("history from postgres is slow without an index")
                      .with("feed", feed_.name)
                      .with("add", "CREATE INDEX ON " + table_ + " (" +
                                       quote_identifier(feed_.table->history->channel) + ", " +
                                       quote_identifier(feed_.table->history->position) + ")"));
    builder_.keep_bytes_of(schema.data);
    insert_ = insert_statement(*feed_.table, &schema);
    set_schema(std::move(schema));
}

void TableProjection::set_schema(std::optional<HistorySchema> schema) {
    const std::lock_guard lock(mutex_);
    schema_ = std::move(schema);
}

std::optional<HistorySchema> TableProjection::history_schema() const {
    const std::lock_guard lock(mutex_);
    return schema_;
}

// Logs of one state directory go on with one another's seqs, so the furthest one counts.
uint64_t TableProjection::load_checkpoint() {
    const std::string log = log_name(journal_.log);
    std::string logs = "{" + log;
    for (uint32_t past : journal_.past_logs)
        logs += "," + log_name(past);
    logs += "}";
    const std::string values[] = {feed_.name, text_of(*feed_.table), logs};
    const Result found =
        connection_->execute("SELECT seq FROM " + checkpoints_ +
                                 " WHERE feed = $1 AND relation = $2 AND log = ANY($3::text[])"
                                 " FOR UPDATE",
                             values);
    uint64_t seq = 0;
    for (const auto& row : found.rows) {
        const uint64_t one = number_of(row[0]);
        seq = std::max(seq, one);
    }
    if (!opened_ && seq > journal_.end) {
        log::error(log::Line("postgres is ahead of the journal, whose events are inserted anew")
                       .with("feed", feed_.name)
                       .with("checkpoint", seq)
                       .with("journal", journal_.end));
        seq = 0;
    }
    const std::string now[] = {log, feed_.name, text_of(*feed_.table), std::to_string(seq)};
    connection_->execute("INSERT INTO " + checkpoints_ +
                             " (log, feed, relation, seq) VALUES ($1, $2, $3, $4)"
                             " ON CONFLICT (log, feed, relation) DO UPDATE SET seq = excluded.seq",
                         now);
    return seq;
}

// -- gathering

void TableProjection::apply(const JournalEntry& entry) {
    const size_t before = text_.size();
    if (before != 0)
        text_ += ',';
    const size_t begin = text_.size();
    if (builder_.append_row(text_, entry))
        rows_.push_back({entry.id.seq, entry.id.log, begin, text_.size()});
    else
        text_.resize(before);
    applied_seq_ = entry.id.seq;
}

void TableProjection::skip(uint64_t from_seq, uint64_t to_seq) {
    if (from_seq != 0)
        log::error(log::Line("the journal no longer has what postgres still lacks")
                       .with("feed", feed_.name)
                       .with("behind", from_seq)
                       .with("up_to", to_seq));
    applied_seq_ = to_seq;
}

// -- writing

void TableProjection::commit() {
    guarded([&] {
        const bool due = !rows_.empty() || Clock::now() - checkpointed_at_ >= kCheckpointApart;
        if (connection_ == nullptr || applied_seq_ == checkpoint_seq_ || !due) {
            failing_ = failing_ && connection_ == nullptr;
            return;
        }
        try {
            write(false);
        } catch (const Error& error) {
            if (!error.concerns_a_row())
                throw;
            connection_->execute("ROLLBACK");
            write(true);
        }
        checkpoint_seq_ = applied_seq_;
        checkpointed_at_ = Clock::now();
        count_rows();
        forget_rows();
        failing_ = false;
    });
}

void TableProjection::write(bool careful) {
    begin();
    inserted_ = dead_ = 0;
    std::string dead;
    in_batches([&](size_t first, size_t last) {
        if (careful)
            insert_carefully(first, last, dead);
        else
            insert(first, last);
    });
    advance_history();
    at_step("postgres.inserted");
    if (!dead.empty())
        dead_letters_.append(dead);
    connection_->execute("COMMIT");
    at_step("postgres.committed");
}

// Constraints that would speak up at the end speak up with their row. Where the table has history,
// the lock that makes positions visible in their order is part of it.
void TableProjection::begin() {
    connection_->execute(
        "BEGIN; SET LOCAL statement_timeout = " + std::to_string(config_.statement_timeout_ms) +
        "; SET CONSTRAINTS ALL IMMEDIATE");
    std::vector<std::string> values = {log_name(journal_.log), feed_.name, text_of(*feed_.table),
                                       std::to_string(checkpoint_seq_),
                                       std::to_string(applied_seq_)};
    std::string sql = "UPDATE " + checkpoints_ +
                      " SET seq = $5 WHERE log = $1 AND feed = $2 AND relation = $3 AND seq = $4";
    if (past_ && !rows_.empty()) {
        sql += " RETURNING " + lock_of("$6");
        values.push_back(table_);
    }
    const Result moved = connection_->execute(sql, values);
    if (moved.affected != 1)
        throw std::runtime_error("the checkpoint is not where it was left: it is read again");
}

template <class Step>
void TableProjection::in_batches(Step&& step) {
    for (size_t first = 0; first < rows_.size();) {
        size_t last = first + 1;
        while (last < rows_.size() && last - first < config_.batch &&
               rows_[last].end - rows_[first].begin <= kStatementBytes)
            ++last;
        step(first, last);
        first = last;
    }
}

// Rows from `first` up to, but not with, `last`.
void TableProjection::insert(size_t first, size_t last) {
    const size_t begin = rows_[first].begin;
    std::string array[1];
    array[0].reserve(rows_[last - 1].end - begin + 2);
    array[0] += '[';
    array[0].append(text_, begin, rows_[last - 1].end - begin);
    array[0] += ']';
    const Result result = connection_->execute(insert_, array);
    if (!past_) {
        inserted_ += result.affected;
        return;
    }
    const auto& row = result.rows.at(0);
    if (const uint64_t count = number_of(row.at(0))) {
        first_position_ = inserted_ == 0 ? number_of(row.at(1)) : first_position_;
        last_position_ = number_of(row.at(2));
        inserted_ += count;
    }
}

// Of what was inserted, in front of the end of its transaction.
void TableProjection::advance_history() {
    if (past_ && inserted_ != 0 && !past_->advance(*connection_, first_position_, last_position_))
        log::warn(log::Line("positions of a table have gone back: its history gets another log")
                      .with("feed", feed_.name)
                      .with("table", text_of(*feed_.table)));
}

bool TableProjection::try_insert(size_t first, size_t last, Error* refusal) {
    connection_->execute("SAVEPOINT herald");
    try {
        insert(first, last);
    } catch (const Error& error) {
        if (!error.concerns_a_row())
            throw;
        *refusal = error;
        connection_->execute("ROLLBACK TO SAVEPOINT herald; RELEASE SAVEPOINT herald");
        return false;
    }
    connection_->execute("RELEASE SAVEPOINT herald");
    return true;
}

void TableProjection::insert_carefully(size_t first, size_t last, std::string& dead) {
    Error refusal("", "");
    if (try_insert(first, last, &refusal))
        return;
    if (last - first == 1)
        return refuse(rows_[first], refusal, dead);
    const size_t middle = first + (last - first) / 2;
    insert_carefully(first, middle, dead);
    insert_carefully(middle, last, dead);
}

// The server's words go into the file alone: they may have values of the event in them.
void TableProjection::refuse(const Row& row, const Error& error, std::string& dead) {
    const std::string id = ring::to_string({row.log, row.seq});
    dead += R"({"id":")" + id + R"(","feed":")";
    append_escaped(dead, feed_.name);
    dead += R"(","table":")";
    append_escaped(dead, text_of(*feed_.table));
    dead += R"(","sqlstate":")" + error.sqlstate() + R"(","error":")";
    append_escaped(dead, error.what());
    dead += R"(","row":)";
    dead.append(text_, row.begin, row.end - row.begin);
    dead += "}\n";

    ++dead_;
    log::Line line("postgres refuses a row, which is kept aside");
    line.with("feed", feed_.name)
        .with("id", id)
        .with("sqlstate", error.sqlstate())
        .with("file", dead_letters_.path())
        .with("refused", figures_.refused + dead_);
    if (refusals_.admits(now_ms(), line))
        log::error(line);
}

// What was committed.
void TableProjection::count_rows() {
    const std::lock_guard lock(mutex_);
    figures_.inserted += inserted_;
    figures_.refused += dead_;
    figures_.repeats += rows_.size() - inserted_ - dead_;
}

}  // namespace herald::sidecar::postgres

// SQLite with owners and exceptions: a database, a prepared statement, and a statement at work.
//
// For one thread. Nothing here knows what is stored.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace herald::sidecar::sqlite {

// Seqs are unsigned, SQLite's integers are not. Bounds beyond the largest mean the largest.
constexpr int64_t to_integer(uint64_t value) {
    return value > INT64_MAX ? INT64_MAX : static_cast<int64_t>(value);
}

class Error : public std::runtime_error {
  public:
    Error(int code, const std::string& text) : std::runtime_error(text), code_(code) {}

    // Whether the file is no database, or holds what it should not: it will not get better.
    bool is_damage() const;

  private:
    int code_;  // one of SQLite's, without its extension
};

class Database {
  public:
    // Opens the file for reading and writing, and makes it where there is none.
    explicit Database(const std::string& path);
    ~Database();
    Database(Database&& other) noexcept;
    Database& operator=(Database&&) = delete;

    void execute(const char* sql);
    // The first column of the first row; nothing where there is no row.
    std::string text_of(const char* sql);
    int64_t integer_of(const char* sql);

    // Whether the file is no longer under the name by which it was opened.
    bool has_moved() const;

    [[noreturn]] void fail(int code, std::string_view doing) const;
    sqlite3* get() const { return handle_; }

  private:
    std::string path_;
    sqlite3* handle_ = nullptr;
};

// `database` outlives it.
class Statement {
  public:
    Statement(Database& database, std::string_view sql);
    ~Statement() { sqlite3_finalize(handle_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

  private:
    friend class Query;
    const Database& database_;
    sqlite3_stmt* handle_ = nullptr;
};

// A statement at work: bound when made, ready for the next one when it goes. Texts that are bound
// live as long as the query; texts that are read until the next row.
class Query {
  public:
    template <class... Values>
    explicit Query(Statement& statement, const Values&... values) : statement_(statement) {
        add(values...);
    }
    ~Query() { sqlite3_reset(statement_.handle_); }
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

    // Binds the parameters behind those that are bound; before the first row.
    template <class... Values>
    void add(const Values&... values) {
        (bind(++bound_, values), ...);
    }

    // Goes to the first or next row; false: there is none.
    bool next();

    int64_t integer(int column) const { return sqlite3_column_int64(statement_.handle_, column); }
    uint64_t seq(int column) const { return static_cast<uint64_t>(integer(column)); }
    std::string_view text(int column) const;
    bool is_null(int column) const {
        return sqlite3_column_type(statement_.handle_, column) == SQLITE_NULL;
    }

  private:
    void bind(int parameter, int64_t value);
    void bind(int parameter, uint64_t value) { bind(parameter, to_integer(value)); }
    void bind(int parameter, std::string_view value);
    void check(int code);

    Statement& statement_;
    int bound_ = 0;  // parameters
};

// Runs a statement that returns no rows.
template <class... Values>
void run(Statement& statement, const Values&... values) {
    Query(statement, values...).next();
}

}  // namespace herald::sidecar::sqlite

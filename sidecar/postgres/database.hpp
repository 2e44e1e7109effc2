// What the projection asks of a database, so that tests can put another one in PostgreSQL's place.
#pragma once

#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace herald::sidecar::postgres {

struct Result {
    std::vector<std::vector<std::optional<std::string>>> rows{};
    uint64_t affected = 0;  // rows
};

// A value that is a number, as a database writes it; 0 where it is none.
inline uint64_t number_of(const std::optional<std::string>& text) {
    uint64_t number = 0;
    if (text)
        std::from_chars(text->data(), text->data() + text->size(), number);
    return number;
}

// The connection is of no use any more unless `sqlstate` is set, and then in a transaction that has
// failed.
class Error : public std::runtime_error {
  public:
    Error(std::string sqlstate, const std::string& text)
        : std::runtime_error(text), sqlstate_(std::move(sqlstate)) {}

    const std::string& sqlstate() const { return sqlstate_; }  // empty: none, no answer

    // Whether it is about the values of a row, which will never fit, and not about the table, the
    // server or the moment.
    bool concerns_a_row() const;

  private:
    std::string sqlstate_;
};

// The end has come while an answer was waited for.
struct Stopped {};

class Connection {
  public:
    virtual ~Connection() = default;

    // Values go apart from the statement, as text. With values it is one statement, else it may be
    // several, of which the last one's result counts. Throws Error or Stopped.
    virtual Result execute(const std::string& sql, std::span<const std::string> values) = 0;

    Result execute(const std::string& sql) { return execute(sql, {}); }
};

class Database {
  public:
    virtual ~Database() = default;

    // Throws Error or Stopped.
    virtual std::unique_ptr<Connection> connect() = 0;
};

}  // namespace herald::sidecar::postgres

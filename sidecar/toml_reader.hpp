// Reads the keys of one TOML table and collects what is wrong with them, each with its line. What
// has not been asked for by the end is an unknown key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <toml.hpp>
#include <utility>
#include <vector>

#include "sidecar/quantities.hpp"

namespace herald::sidecar {

// Errors found in one file. Line 0 means the file as a whole.
class Problems {
  public:
    explicit Problems(std::string file) : file_(std::move(file)) {}

    void add(uint32_t line, const std::string& message) { found_.emplace_back(line, message); }
    bool empty() const { return found_.empty(); }

    // "FILE:LINE: message", in the order of the lines.
    std::vector<std::string> messages() const;

  private:
    std::string file_;
    std::vector<std::pair<uint32_t, std::string>> found_{};
};

uint32_t line_of(const toml::value& value);

// "an integer", "a string", ...: what a value is, for messages.
std::string kind_of(const toml::value& value);

class TableReader {
  public:
    // `name`: how messages call the table, such as "[ring]". Null stands for an absent table.
    TableReader(const toml::value* table, std::string name, Problems& problems)
        : table_(table), name_(std::move(name)), problems_(problems) {}

    // The value of a key, or null. Asking makes the key a known one.
    const toml::value* find(const std::string& key);

    // The value in its type, or nothing where it is absent or of another type, which is a problem.
    std::optional<std::string> string(const std::string& key);
    std::optional<bool> boolean(const std::string& key);
    std::optional<int64_t> integer(const std::string& key);
    std::optional<uint64_t> size(const std::string& key);

    // Sizes and lengths of time (milliseconds) that bound something: 0 for "off" alone.
    std::optional<uint64_t> size_or_off(const std::string& key);
    std::optional<uint64_t> duration_or_off(const std::string& key);

    // A table below this one, or null.
    const toml::value* table(const std::string& key);

    // Adds a problem at the line of `key`, which must be there.
    void refuse(const std::string& key, const std::string& message);

    // Reports every key that nobody has asked for.
    void finish() const;

  private:
    bool is_off(const std::string& key);
    std::optional<uint64_t> read_size(const std::string& key, const char* expected);
    void wrong_type(const std::string& key, const toml::value& value, const char* expected);
    void wrong_value(const std::string& key, const toml::value& value, const char* expected);

    const toml::value* table_;
    std::string name_;
    Problems& problems_;
    std::vector<std::string> known_{};
};

}  // namespace herald::sidecar

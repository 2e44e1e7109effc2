// Looks keys up in toml11's tables and words what is wrong with them.
#include "sidecar/toml_reader.hpp"

#include <algorithm>

namespace herald::sidecar {

namespace {

// Edits (insert, delete, replace, swap neighbours) between two keys.
size_t distance(std::string_view a, std::string_view b) {
    std::vector<size_t> before(b.size() + 1);
    std::vector<size_t> last(b.size() + 1);
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = std::exchange(last, row);
    }
    return last[b.size()];
}

// The known key that somebody who wrote `key` most likely meant, or an empty text.
std::string nearest(const std::string& key, const std::vector<std::string>& known) {
    std::string best;
    size_t fewest = key.size() / 3 + 2;
    for (const std::string& candidate : known) {
        const size_t edits = distance(key, candidate);
        if (edits < fewest && edits < candidate.size()) {
            fewest = edits;
            best = candidate;
        }
    }
    return best;
}

}  // namespace

std::vector<std::string> Problems::messages() const {
    auto sorted = found_;
    std::sort(sorted.begin(), sorted.end());
    std::vector<std::string> messages;
    for (const auto& [line, message] : sorted) {
        const std::string where = line == 0 ? file_ : file_ + ":" + std::to_string(line);
        messages.push_back(where + ": " + message);
    }
    return messages;
}

uint32_t line_of(const toml::value& value) {
    return static_cast<uint32_t>(value.location().line());
}

std::string kind_of(const toml::value& value) {
    switch (value.type()) {
        case toml::value_t::boolean:
            return "a boolean";
        case toml::value_t::integer:
            return "an integer";
        case toml::value_t::floating:
            return "a float";
        case toml::value_t::string:
            return "a string";
        case toml::value_t::array:
            return "an array";
        case toml::value_t::table:
            return "a table";
        default:
            return "a date or time";
    }
}

const toml::value* TableReader::find(const std::string& key) {
    known_.push_back(key);
    if (table_ == nullptr)
        return nullptr;
    const auto& keys = table_->as_table();
    const auto found = keys.find(key);
    return found == keys.end() ? nullptr : &found->second;
}

std::optional<std::string> TableReader::string(const std::string& key) {
    const toml::value* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (value->is_string())
        return value->as_string().str;
    wrong_type(key, *value, "a string in quotes");
    return std::nullopt;
}

std::optional<bool> TableReader::boolean(const std::string& key) {
    const toml::value* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (value->is_boolean())
        return value->as_boolean();
    wrong_type(key, *value, "true or false");
    return std::nullopt;
}

std::optional<int64_t> TableReader::integer(const std::string& key) {
    const toml::value* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (value->is_integer())
        return value->as_integer();
    wrong_type(key, *value, "an integer");
    return std::nullopt;
}

std::optional<uint64_t> TableReader::size(const std::string& key) {
    return read_size(key, "a size: bytes as an integer, or a string such as \"64M\" (K, M, G)");
}

std::optional<uint64_t> TableReader::size_or_off(const std::string& key) {
    if (is_off(key))
        return 0;
    constexpr const char* kExpected = "a size, such as \"4G\" (K, M, G), or \"off\"";
    const auto bytes = read_size(key, kExpected);
    if (bytes != uint64_t{0})
        return bytes;
    refuse(key, "is 0; expected " + std::string(kExpected));
    return std::nullopt;
}

std::optional<uint64_t> TableReader::read_size(const std::string& key, const char* expected) {
    const toml::value* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (value->is_integer() && value->as_integer() >= 0)
        return static_cast<uint64_t>(value->as_integer());
    if (value->is_string()) {
        if (const auto bytes = parse_size(value->as_string().str))
            return bytes;
    }
    if (value->is_integer())
        refuse(key, "is negative; expected " + std::string(expected));
    else
        wrong_value(key, *value, expected);
    return std::nullopt;
}

std::optional<uint64_t> TableReader::duration_or_off(const std::string& key) {
    const toml::value* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (is_off(key))
        return 0;
    if (value->is_string()) {
        if (const auto ms = parse_duration(value->as_string().str))
            return ms;
    }
    wrong_value(key, *value,
                "a time of \"1s\" to \"36500d\", such as \"12h\" (s, m, h, d), or \"off\"");
    return std::nullopt;
}

bool TableReader::is_off(const std::string& key) {
    const toml::value* value = find(key);
    return value != nullptr && value->is_string() && value->as_string().str == "off";
}

const toml::value* TableReader::table(const std::string& key) {
    const toml::value* value = find(key);
    if (value == nullptr || value->is_table())
        return value;
    wrong_type(key, *value, "a table");
    return nullptr;
}

void TableReader::refuse(const std::string& key, const std::string& message) {
    const std::string prefix = name_.empty() ? "" : name_ + " ";
    problems_.add(line_of(*find(key)), prefix + key + " " + message);
}

void TableReader::wrong_type(const std::string& key, const toml::value& value,
                             const char* expected) {
    refuse(key, "is " + kind_of(value) + "; expected " + expected);
}

void TableReader::wrong_value(const std::string& key, const toml::value& value,
                              const char* expected) {
    if (value.is_string())
        refuse(key, "is \"" + value.as_string().str + "\"; expected " + expected);
    else
        wrong_type(key, value, expected);
}

void TableReader::finish() const {
    if (table_ == nullptr)
        return;
    std::vector<std::string> known = known_;
    std::sort(known.begin(), known.end());
    known.erase(std::unique(known.begin(), known.end()), known.end());

    for (const auto& [key, value] : table_->as_table()) {
        if (std::binary_search(known.begin(), known.end(), key))
            continue;
        std::string message = "unknown key \"" + key + "\"";
        if (!name_.empty())
            message += " in " + name_;
        if (const std::string meant = nearest(key, known); !meant.empty()) {
            message += "; did you mean \"" + meant + "\"?";
        } else {
            message += "; known keys:";
            for (const std::string& name : known)
                message += " " + name;
        }
        problems_.add(line_of(value), message);
    }
}

}  // namespace herald::sidecar

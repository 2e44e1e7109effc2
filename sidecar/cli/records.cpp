// A journal's lines are read by the journal's own parser; objects are checked and otherwise left
// alone, but for the member with the time.
#include "sidecar/cli/records.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "ring/timestamp.hpp"
#include "ring/utf8.hpp"
#include "sidecar/cli/line_reader.hpp"

namespace herald::cli {

namespace {

constexpr std::string_view kUsualTimes[] = {"ts", "timestamp", "created_at", "time", "at"};
constexpr std::string_view kJsonSpace = " \t\r\n";

// The value of an object's top-level member as it is written, or empty where that is no string and
// no number. `object` is valid JSON.
std::string_view member_of(std::string_view object, std::string_view name) {
    size_t depth = 0;
    bool key_next = false;
    std::string_view key;
    for (size_t i = 0; i < object.size(); ++i) {
        const char c = object[i];
        if (c == '{' || c == '[') {
            ++depth;
            key_next = depth == 1;
        } else if (c == '}' || c == ']') {
            --depth;
        } else if (c == ',') {
            key_next = depth == 1;
        } else if (c == ':' && depth == 1 && key == name) {
            const size_t begin = object.find_first_not_of(kJsonSpace, i + 1);
            if (object[begin] == '"')
                return object.substr(begin + 1, object.find('"', begin + 1) - begin - 1);
            const size_t end = object.find_first_of(",} \t\r\n", begin);
            return object.substr(begin, end - begin);
        } else if (c == '"') {
            const size_t begin = i + 1;
            for (++i; object[i] != '"'; ++i)
                i += object[i] == '\\';
            if (depth == 1 && std::exchange(key_next, false))
                key = object.substr(begin, i - begin);
        }
    }
    return {};
}

std::optional<int64_t> time_of(std::string_view object, std::string_view member) {
    return ring::parse_time(member_of(object, member));
}

// The seq of the first line of a journal's segment; nothing where the file is none.
std::optional<uint64_t> first_seq(const std::string& path) {
    LineReader reader(path);
    std::string_view line;
    sidecar::LineParser parser;
    sidecar::JournalEntry entry;
    if (reader.next(line) != LineReader::Read::Line || !parser.parse(line, entry))
        return std::nullopt;
    return entry.id.seq;
}

std::vector<std::string> segments_of(const std::string& directory) {
    std::vector<std::pair<uint64_t, std::string>> segments;
    for (const auto& found : std::filesystem::directory_iterator(directory)) {
        if (!found.is_regular_file())
            continue;
        if (const auto seq = first_seq(found.path().string()))
            segments.emplace_back(*seq, found.path().string());
    }
    if (segments.empty())
        throw std::runtime_error(directory +
                                 ": no file in this directory is a segment of a journal");
    std::sort(segments.begin(), segments.end());

    std::vector<std::string> files;
    for (auto& [seq, path] : segments)
        files.push_back(std::move(path));
    return files;
}

}  // namespace

const char* json_problem(sidecar::JsonScanner& scanner, std::string_view text) {
    if (!ring::is_utf8(text))
        return "not UTF-8";
    if (!scanner.scan(text, {}))
        return "not JSON";
    return nullptr;
}

RecordParser::RecordParser(std::string channel, std::string time_member)
    : channel_(std::move(channel)), time_member_(std::move(time_member)) {}

Record RecordParser::parse(std::string_view line) {
    if (line.find_first_not_of(kJsonSpace) == line.npos)
        return {};
    if (format_ != Format::Objects) {
        sidecar::JournalEntry entry;
        if (journal_.parse(line, entry)) {
            format_ = Format::Journal;
            return journal_record(entry);
        }
        if (format_ == Format::Journal)
            return {.kind = Record::Kind::Bad, .problem = "no line of a journal"};
    }
    return object_record(line);
}

Record RecordParser::journal_record(const sidecar::JournalEntry& entry) const {
    Record record;
    record.kind = entry.kind == ring::Kind::Event ? Record::Kind::Event : Record::Kind::Notice;
    record.channel = channel_.empty() ? entry.channel : channel_;
    record.data = entry.data;
    record.time_us = static_cast<int64_t>(entry.at_ms) * 1000;
    return record;
}

Record RecordParser::object_record(std::string_view line) {
    const char* problem = json_problem(json_, line);
    if (problem == nullptr && line[line.find_first_not_of(kJsonSpace)] != '{')
        problem = "JSON, but not an object";
    if (problem != nullptr)
        return {.kind = Record::Kind::Bad, .problem = problem};

    if (format_ == Format::Unknown && time_member_.empty()) {
        const auto* found =
            std::find_if(std::begin(kUsualTimes), std::end(kUsualTimes),
                         [line](std::string_view name) { return time_of(line, name).has_value(); });
        if (found != std::end(kUsualTimes))
            time_member_ = *found;
    }
    format_ = Format::Objects;

    Record record;
    record.kind = Record::Kind::Event;
    record.channel = channel_;
    record.data = line;
    if (!time_member_.empty())
        record.time_us = time_of(line, time_member_);
    return record;
}

std::vector<std::string> files_of(const std::vector<std::string>& paths) {
    std::vector<std::string> files;
    for (const std::string& path : paths) {
        if (!std::filesystem::is_directory(path)) {
            files.push_back(path);
            continue;
        }
        const std::vector<std::string> segments = segments_of(path);
        files.insert(files.end(), segments.begin(), segments.end());
    }
    return files;
}

Format format_of(const std::string& path) {
    LineReader reader(path);
    RecordParser parser({}, {});
    std::string_view line;
    for (;;) {
        const LineReader::Read read = reader.next(line);
        if (read == LineReader::Read::End)
            return Format::Unknown;
        if (read == LineReader::Read::Line)
            parser.parse(line);
        if (parser.format() != Format::Unknown)
            return parser.format();
    }
}

}  // namespace herald::cli

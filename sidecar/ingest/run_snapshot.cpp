// The file as a whole is checked by the scanner, which builds no values; then each run is read by
// itself, so that memory is the file's and not ten times as much.
#include "sidecar/ingest/run_snapshot.hpp"

#include <jansson.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <optional>
#include <utility>

#include "ring/timestamp.hpp"
#include "ring/utf8.hpp"
#include "sidecar/json_scan.hpp"

namespace herald::sidecar {

namespace {

struct FreeJson {
    void operator()(json_t* json) const noexcept { json_decref(json); }
};
using Json = std::unique_ptr<json_t, FreeJson>;

constexpr const char* kExpected =
    "expected a JSON array of runs, or an object with one as \"runs\"";

// The bytes of the array of runs, in a file that is one JSON value; nothing: it has none.
std::optional<std::string_view> find_array(std::string_view file) {
    JsonScanner scanner;
    constexpr std::array<std::string_view, 1> kRuns = {"runs"};
    if (!scanner.scan(file, kRuns))
        return std::nullopt;
    std::string_view array = file.substr(file.find_first_not_of(" \t\r\n"));
    if (array.front() == '{')
        array = scanner.raw(0);
    if (!array.starts_with('['))
        return std::nullopt;
    return array;
}

// Calls `element` with the bytes of each element of a well-formed array.
template <class Element>
void split_array(std::string_view array, Element&& element) {
    size_t depth = 0;
    size_t begin = 1;
    for (size_t i = 0; i < array.size(); ++i) {
        const char c = array[i];
        if (c == '"') {
            while (array[++i] != '"')
                i += array[i] == '\\';
        } else if (c == '[' || c == '{') {
            ++depth;
        } else if (c == ']' || c == '}' || (c == ',' && depth == 1)) {
            const bool is_end = c != ',' && --depth == 0;
            if (!is_end && c != ',')
                continue;
            const std::string_view bytes = array.substr(begin, i - begin);
            if (!is_end || bytes.find_first_not_of(" \t\r\n") != bytes.npos)
                element(bytes);
            begin = i + 1;
            if (is_end)
                return;
        }
    }
}

// -- parts of a run

// A string, or a number as one; nothing: neither, or an empty string.
std::optional<std::string> text_of(const json_t* value) {
    if (json_is_integer(value))
        return std::to_string(json_integer_value(value));
    if (!json_is_string(value) || json_string_length(value) == 0)
        return std::nullopt;
    return std::string(json_string_value(value), json_string_length(value));
}

Json make_string(std::string_view text) {
    Json made(json_stringn(text.data(), text.size()));
    if (!made)
        throw std::bad_alloc();
    return made;
}

void put(json_t* object, const char* key, Json value) {
    if (!value || json_object_set_new(object, key, value.release()) != 0)
        throw std::bad_alloc();
}

void add(json_t* array, Json value) {
    if (!value || json_array_append_new(array, value.release()) != 0)
        throw std::bad_alloc();
}

// Copies members that have to be there as texts. False: one is not.
bool copy_texts(const json_t* from, json_t* to, std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
        const auto text = text_of(json_object_get(from, key));
        if (!text)
            return false;
        put(to, key, make_string(*text));
    }
    return true;
}

std::optional<int64_t> time_of(const json_t* value) {
    if (json_is_string(value))
        return ring::parse_time({json_string_value(value), json_string_length(value)});
    return std::nullopt;
}

// 2024-05-08T09:30:00+00:00; with six digits of fraction where there is one.
Json time_text(std::optional<int64_t> time_us) {
    if (!time_us)
        return Json(json_null());
    using namespace std::chrono;
    const sys_time<microseconds> time{microseconds(*time_us)};
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const hh_mm_ss clock{time - day};
    char text[64];
    const int length = std::snprintf(
        text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
        static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
        static_cast<int>(clock.seconds().count()));
    std::string out(text, static_cast<size_t>(length));
    if (const auto fraction = clock.subseconds().count(); fraction != 0) {
        std::snprintf(text, sizeof text, ".%06d", static_cast<int>(fraction));
        out += text;
    }
    return make_string(out + "+00:00");
}

Json processed_of(const json_t* list) {
    Json out(json_array());
    size_t i;
    const json_t* item;
    json_array_foreach(list, i, item) {
        Json media(json_object()), info(json_object());
        const json_t* from = json_object_get(item, "media_info");
        if (!copy_texts(item, media.get(), {"path", "bucket", "key"}) ||
            !copy_texts(from, info.get(),
                        {"show_code", "episode", "scene", "shot", "descriptor", "extension"}))
            continue;
        put(media.get(), "media_info", std::move(info));
        add(out.get(), std::move(media));
    }
    return out;
}

// Pairs, or objects as clients see them.
Json invalid_of(const json_t* list) {
    Json out(json_array());
    size_t i;
    const json_t* item;
    json_array_foreach(list, i, item) {
        const bool is_pair = json_is_array(item) && json_array_size(item) == 2;
        const auto path =
            text_of(is_pair ? json_array_get(item, 0) : json_object_get(item, "path"));
        const json_t* why = is_pair ? json_array_get(item, 1) : json_object_get(item, "reason");
        if (!path || !json_is_string(why))
            continue;
        Json invalid(json_object());
        put(invalid.get(), "path", make_string(*path));
        put(invalid.get(), "reason",
            make_string({json_string_value(why), json_string_length(why)}));
        add(out.get(), std::move(invalid));
    }
    return out;
}

Json report_of(const json_t* report) {
    Json processed = processed_of(json_object_get(report, "processed"));
    Json invalid = invalid_of(json_object_get(report, "invalid"));
    Json processed_count(json_integer(static_cast<json_int_t>(json_array_size(processed.get()))));
    Json invalid_count(json_integer(static_cast<json_int_t>(json_array_size(invalid.get()))));
    Json out(json_object());
    put(out.get(), "processed", std::move(processed));
    put(out.get(), "invalid", std::move(invalid));
    put(out.get(), "processed_count", std::move(processed_count));
    put(out.get(), "invalid_count", std::move(invalid_count));
    return out;
}

std::string dump(const json_t* json) {
    const std::unique_ptr<char, decltype(&std::free)> text(
        json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY), &std::free);
    if (text == nullptr)
        throw std::bad_alloc();
    return text.get();
}

// Nothing: it is no run.
std::optional<IngestRun> read_run(std::string_view bytes) {
    const Json entry(
        json_loadb(bytes.data(), bytes.size(), JSON_DECODE_ANY | JSON_ALLOW_NUL, nullptr));
    auto id = text_of(json_object_get(entry.get(), "id"));
    if (!id)
        id = text_of(json_object_get(entry.get(), "run_id"));
    if (!id)
        return std::nullopt;

    const auto started = time_of(json_object_get(entry.get(), "started_at"));
    const auto completed = time_of(json_object_get(entry.get(), "completed_at"));
    Json run(json_object());
    put(run.get(), "id", make_string(*id));
    put(run.get(), "started_at", time_text(started));
    put(run.get(), "completed_at", time_text(completed));
    put(run.get(), "status", make_string(completed ? "completed" : "running"));
    put(run.get(), "report", report_of(json_object_get(entry.get(), "report")));
    return IngestRun{std::move(*id), started.value_or(INT64_MIN), dump(run.get())};
}

}  // namespace

// -- snapshots

RunSnapshot::RunSnapshot(std::vector<RunPtr> runs) {
    newest_first_.reserve(runs.size());
    by_id_.reserve(runs.size());
    for (RunPtr& run : runs) {
        if (by_id_.try_emplace(run->id, run).second)
            newest_first_.push_back(std::move(run));
    }
    std::ranges::stable_sort(newest_first_, [](const RunPtr& a, const RunPtr& b) {
        return a->started_us > b->started_us;
    });
}

const RunPtr* RunSnapshot::find(std::string_view id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : &found->second;
}

ReadRegistry read_registry(std::string_view file, const RunSnapshot& before) {
    ReadRegistry out;
    ring::Utf8 utf8;
    if (!utf8.feed(reinterpret_cast<const unsigned char*>(file.data()), file.size()) ||
        !utf8.complete()) {
        out.wrong = std::string("is not UTF-8; ") + kExpected;
        return out;
    }
    const auto array = find_array(file);
    if (!array) {
        out.wrong = std::string(file.empty() ? "is empty" : "is no registry, or not whole") + "; " +
                    kExpected;
        return out;
    }

    std::vector<RunPtr> runs;
    size_t entries = 0;
    split_array(*array, [&](std::string_view bytes) {
        ++entries;
        auto run = read_run(bytes);
        if (!run)
            return;
        const RunPtr* known = before.find(run->id);
        if (known != nullptr && (*known)->text == run->text)
            runs.push_back(*known);
        else
            runs.push_back(std::make_shared<const IngestRun>(std::move(*run)));
    });
    out.runs = std::make_shared<const RunSnapshot>(std::move(runs));
    out.left_out = entries - out.runs->newest_first().size();
    return out;
}

// -- changes

std::vector<RunChange> changes_between(const RunSnapshot& before, const RunSnapshot& after) {
    std::vector<RunChange> created, updated, removed;
    for (const RunPtr& run : after.newest_first()) {
        const RunPtr* known = before.find(run->id);
        if (known == nullptr)
            created.push_back({RunChange::Kind::Created, run});
        else if (*known != run && (*known)->text != run->text)
            updated.push_back({RunChange::Kind::Updated, run});
    }
    for (const RunPtr& run : before.newest_first()) {
        if (after.find(run->id) == nullptr)
            removed.push_back({RunChange::Kind::Removed, run});
    }
    std::ranges::reverse(created);
    std::ranges::reverse(updated);
    created.insert(created.end(), updated.begin(), updated.end());
    created.insert(created.end(), removed.begin(), removed.end());
    return created;
}

std::string message_of(const RunChange& change) {
    switch (change.kind) {
        case RunChange::Kind::Created:
            return R"({"event": "run.created", "run": )" + change.run->text + "}";
        case RunChange::Kind::Updated:
            return R"({"event": "run.updated", "run": )" + change.run->text + "}";
        case RunChange::Kind::Removed:
            break;
    }
    return R"({"event": "run.removed", "run": {"id": )" + dump(make_string(change.run->id).get()) +
           "}}";
}

}  // namespace herald::sidecar

// Reads each [[feed]] by itself, then holds it against the ones before it.
#include "sidecar/config_feed.hpp"

#include <algorithm>
#include <stdexcept>

#include "ring/names.hpp"
#include "sidecar/config_postgres.hpp"
#include "sidecar/config_webhook.hpp"
#include "sidecar/path_template.hpp"
#include "sidecar/revocation.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kMaxName = 64;  // bytes of a feed's name

void read_rename(TableReader& table, Feed& feed, Problems& problems) {
    const toml::value* rename = table.table("rename");
    if (rename == nullptr)
        return;
    if (feed.event.empty())
        table.refuse("rename",
                     "has no effect without event; say which JSON member names the event");
    for (const auto& [from, to] : rename->as_table()) {
        if (!to.is_string())
            problems.add(line_of(to), "[[feed]] rename of \"" + from + "\" is " + kind_of(to) +
                                          "; expected a string in quotes");
        else if (!ring::is_event_name(to.as_string().str))
            problems.add(line_of(to), "[[feed]] rename of \"" + from +
                                          "\" gives no fit event name; expected 1 to 255 bytes "
                                          "without control characters");
        else
            feed.rename.emplace(from, to.as_string().str);
    }
}

void read_end_on(TableReader& table, Feed& feed, Problems& problems) {
    const toml::value* end_on = table.find("end_on");
    if (end_on == nullptr)
        return;
    if (!end_on->is_array()) {
        table.refuse("end_on", "is " + kind_of(*end_on) +
                                   "; expected an array of event names, such as [\"done\"]");
        return;
    }
    if (feed.event.empty())
        table.refuse("end_on",
                     "has no effect without event; say which JSON member names the event");
    for (const toml::value& name : end_on->as_array()) {
        if (!name.is_string())
            problems.add(line_of(name), "[[feed]] end_on holds " + kind_of(name) +
                                            "; expected event names in quotes");
        else if (const std::string& text = name.as_string().str;
                 !ring::is_event_name(text) && !feed.rename.contains(text))
            problems.add(line_of(name), "[[feed]] end_on holds \"" + text +
                                            "\", which no event can be called; expected 1 to 255 "
                                            "bytes without control characters");
        else
            feed.end_on.insert(text);
    }
}

void read_member(TableReader& table, const std::string& key, std::string& member) {
    const auto name = table.string(key);
    if (!name)
        return;
    member = *name;
    if (name->empty())
        table.refuse(key, "is empty; name a JSON member, or leave the key out");
}

void read_jsonl(TableReader& table, const std::optional<ChannelPattern>& channels, Feed& feed) {
    const auto text = table.string("jsonl");
    if (!text)
        return;
    feed.jsonl = *text;
    if (!channels)
        return;  // whose parts nobody knows
    try {
        PathTemplate(*text, channels->part_names());
    } catch (const std::invalid_argument& error) {
        table.refuse("jsonl", error.what());
    }
}

void read_max_events(TableReader& table, Feed& feed) {
    const auto count = table.integer("max_events");
    if (!count)
        return;
    if (*count < 1)
        table.refuse("max_events",
                     "is " + std::to_string(*count) + "; expected 1 or more, or leave the key out");
    else
        feed.max_events = static_cast<uint64_t>(*count);
}

void read_log(TableReader& table, const std::optional<ChannelPattern>& channels, Feed& feed,
              Problems& problems) {
    const toml::value* log = table.find("log");
    if (log == nullptr)
        return;
    if (log->is_boolean()) {
        feed.log = log->as_boolean();
        return;
    }
    if (!log->is_array()) {
        table.refuse("log", "is " + kind_of(*log) +
                                "; expected true, false or an array of the line's parts, such as "
                                "[\"[events] Job {job_id}\", \"Type: {type}\"]");
        return;
    }
    std::vector<std::string> parts;
    for (const toml::value& part : log->as_array()) {
        if (part.is_string())
            parts.push_back(part.as_string().str);
        else
            problems.add(line_of(part), "[[feed]] log holds " + kind_of(part) +
                                            "; expected parts of the line in quotes");
    }
    if (!channels || parts.size() != log->as_array().size())
        return;
    try {
        feed.log_line.emplace(parts, channels->part_names());
        feed.log = true;
    } catch (const std::invalid_argument& error) {
        table.refuse("log", error.what());
    }
}

std::optional<log::Level> level_of(std::string_view name) {
    if (name == "debug")
        return log::Level::Debug;
    if (name == "info")
        return log::Level::Info;
    if (name == "warning")
        return log::Level::Warning;
    if (name == "error")
        return log::Level::Error;
    return std::nullopt;
}

void read_log_levels(TableReader& table, Feed& feed, Problems& problems) {
    const toml::value* levels = table.table("log_levels");
    if (levels == nullptr)
        return;
    if (feed.event.empty() || !feed.log_line)
        table.refuse("log_levels",
                     "has no effect without event, and log as an array of parts; add both");
    for (const auto& [name, list] : levels->as_table()) {
        const auto level = level_of(name);
        if (!level)
            problems.add(
                line_of(list),
                "[[feed]] log_levels knows debug, info, warning and error, not \"" + name + "\"");
        else if (!list.is_array() ||
                 !std::all_of(list.as_array().begin(), list.as_array().end(),
                              [](const toml::value& event) { return event.is_string(); }))
            problems.add(line_of(list), "[[feed]] log_levels of \"" + name +
                                            "\" is no array of event names, such as [\"failed\"]");
        else {
            for (const toml::value& event : list.as_array()) {
                if (!feed.log_levels.emplace(event.as_string().str, *level).second)
                    problems.add(line_of(event), "[[feed]] log_levels has \"" +
                                                     event.as_string().str +
                                                     "\" twice; an event has one level");
            }
        }
    }
}

std::optional<std::string> read_name(TableReader& table, const toml::value& value,
                                     Problems& problems) {
    const auto name = table.string("name");
    if (name && (name->empty() || name->size() > kMaxName || ring::has_control_characters(*name)))
        table.refuse("name", "is unfit; expected 1 to 64 bytes without control characters");
    if (table.find("name") == nullptr)
        problems.add(line_of(value),
                     "[[feed]] has no name; give it one, such as name = \"orders\"");
    return name;
}

std::optional<ChannelPattern> read_channels(TableReader& table, const toml::value& value,
                                            Problems& problems) {
    std::optional<ChannelPattern> channels;
    if (const auto pattern = table.string("channels")) {
        try {
            channels.emplace(*pattern);
        } catch (const std::invalid_argument& error) {
            table.refuse("channels", error.what());
        }
    }
    if (channels && channels->matches(kRevokeChannel))
        table.refuse("channels",
                     "\"" + channels->text() + "\" claim " + std::string(kRevokeChannel) +
                         ", which is for revocations; choose a pattern without it, such "
                         "as \"orders:{id}\"");
    if (table.find("channels") == nullptr)
        problems.add(line_of(value),
                     "[[feed]] has no channels; say which are its own, such as "
                     "channels = \"orders:{id}\"");
    return channels;
}

// The feed, or nothing where its name or its channels are missing or wrong.
std::optional<Feed> read_feed(const toml::value& value, Problems& problems) {
    TableReader table(&value, "[[feed]]", problems);
    const auto name = read_name(table, value, problems);
    const auto channels = read_channels(table, value, problems);

    Feed feed{name.value_or(""), channels.value_or(ChannelPattern("x"))};
    read_member(table, "event", feed.event);
    read_rename(table, feed, problems);
    read_end_on(table, feed, problems);
    read_member(table, "dedupe", feed.dedupe);
    read_member(table, "time", feed.time);
    read_jsonl(table, channels, feed);
    read_table(table, channels ? &channels->part_names() : nullptr, feed, problems);
    feed.retention_ms = table.duration_or_off("retention").value_or(0);
    read_max_events(table, feed);
    read_log(table, channels, feed, problems);
    read_log_levels(table, feed, problems);
    read_webhooks(table, feed, problems);
    table.finish();
    if (!name || !channels)
        return std::nullopt;
    return feed;
}

// A template without the names of its parts: what is equal then gives equal files.
std::string shape_of(std::string_view jsonl) {
    std::string shape;
    bool inside = false;
    for (char c : jsonl) {
        if (!inside || c == '}')
            shape += c;
        inside = c == '{' || (inside && c != '}');
    }
    return shape;
}

// Reports what two feeds cannot both have. `table` is that of `feed`.
void compare(const Feed& feed, const toml::value& table, const Feed& other, uint32_t other_line,
             Problems& problems) {
    const auto line = [&](const char* key) { return line_of(table.as_table().at(key)); };
    const std::string who = "\"" + other.name + "\" (line " + std::to_string(other_line) + ")";
    if (other.name == feed.name)
        problems.add(line("name"),
                     "[[feed]] name is that of feed " + who + " as well; each needs its own");
    if (const auto channel = other.channels.common_channel(feed.channels))
        problems.add(line("channels"), "[[feed]] channels \"" + feed.channels.text() +
                                           "\" overlap with those of feed " + who + ", \"" +
                                           other.channels.text() + "\": both claim " + *channel +
                                           "; a channel belongs to one feed");
    if (!feed.jsonl.empty() && shape_of(feed.jsonl) == shape_of(other.jsonl))
        problems.add(line("jsonl"), "[[feed]] jsonl gives the files of feed " + who +
                                        " as well; put another name or directory into one of them");
}

}  // namespace

void read_feeds(const toml::value* value, std::vector<Feed>& feeds, Problems& problems) {
    const bool tables = value != nullptr && value->is_array() &&
                        std::all_of(value->as_array().begin(), value->as_array().end(),
                                    [](const toml::value& feed) { return feed.is_table(); });
    if (!tables || value->as_array().empty()) {
        problems.add(value == nullptr ? 0 : line_of(*value),
                     value != nullptr && value->is_table()
                         ? "feed is one table; feeds are written [[feed]], in double brackets"
                         : "no feed; add at least one [[feed]] with name and channels");
        return;
    }

    std::vector<uint32_t> lines;  // of `feeds`
    for (const toml::value& table : value->as_array()) {
        std::optional<Feed> feed = read_feed(table, problems);
        if (!feed)
            continue;
        for (size_t i = 0; i < feeds.size(); ++i)
            compare(*feed, table, feeds[i], lines[i], problems);
        lines.push_back(line_of(table));
        feeds.push_back(std::move(*feed));
    }
}

}  // namespace herald::sidecar

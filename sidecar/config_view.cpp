// Reads each [[view]] by itself, then holds it against the feeds and the views before it.
#include "sidecar/config_view.hpp"

#include <algorithm>
#include <stdexcept>

#include "ring/view_question.hpp"

namespace herald::sidecar {

namespace {

constexpr int64_t kMaxRecords = 10'000'000;
constexpr int64_t kMaxRecent = 1000;

// Views that other tables make.
constexpr std::string_view kTaken[] = {"cache",    "metrics", "postgres",
                                       "projects", "runs",    "webhooks"};

std::optional<std::string> read_name(TableReader& table, const toml::value& value,
                                     Problems& problems) {
    const auto name = table.string("name");
    if (name && !ring::questions::is_view_name(*name))
        table.refuse("name",
                     "is unfit; expected 1 to 64 bytes without control characters and \"/\"");
    if (name && std::find(std::begin(kTaken), std::end(kTaken), *name) != std::end(kTaken))
        table.refuse("name", "is \"" + *name +
                                 "\", a view that another table makes; choose another one, such "
                                 "as \"render\"");
    if (table.find("name") == nullptr)
        problems.add(line_of(value),
                     "[[view]] has no name; give it one, such as name = \"render\"");
    return name;
}

std::optional<ViewKind> read_kind(TableReader& table, const toml::value& value,
                                  Problems& problems) {
    const auto kind = table.string("kind");
    if (table.find("kind") == nullptr)
        problems.add(line_of(value), "[[view]] has no kind; expected \"jobs\" or \"runs\"");
    if (!kind)
        return std::nullopt;
    if (*kind == "jobs")
        return ViewKind::Jobs;
    if (*kind == "runs")
        return ViewKind::Runs;
    table.refuse("kind", "is \"" + *kind + "\"; expected \"jobs\" or \"runs\"");
    return std::nullopt;
}

std::optional<ChannelPattern> read_channels(TableReader& table, const toml::value& value,
                                            const std::vector<Feed>& feeds, Problems& problems) {
    if (table.find("channels") == nullptr)
        problems.add(line_of(value),
                     "[[view]] has no channels; say of whose events it is made, such as "
                     "channels = \"trafalgar:render\"");
    const auto text = table.string("channels");
    if (!text)
        return std::nullopt;
    try {
        ChannelPattern channels(*text);
        const bool claimed = std::any_of(feeds.begin(), feeds.end(), [&](const Feed& feed) {
            return feed.channels.overlaps(channels);
        });
        if (!claimed && !feeds.empty())
            table.refuse("channels", "\"" + *text +
                                         "\" are of no feed, so that no event would come; name "
                                         "channels that a [[feed]] claims, such as \"" +
                                         feeds.front().channels.text() + "\"");
        return channels;
    } catch (const std::invalid_argument& error) {
        table.refuse("channels", error.what());
        return std::nullopt;
    }
}

void read_count(TableReader& table, const std::string& key, int64_t most, uint64_t& count) {
    const auto number = table.integer(key);
    if (!number)
        return;
    if (*number < 1 || *number > most)
        table.refuse(key,
                     "is " + std::to_string(*number) + "; expected 1 to " + std::to_string(most));
    else
        count = static_cast<uint64_t>(*number);
}

// The view, or nothing where what makes one is missing or wrong.
std::optional<ViewConfig> read_view(const toml::value& value, const std::vector<Feed>& feeds,
                                    Problems& problems) {
    TableReader table(&value, "[[view]]", problems);
    const auto name = read_name(table, value, problems);
    const auto kind = read_kind(table, value, problems);
    const auto channels = read_channels(table, value, feeds, problems);

    ViewConfig view{name.value_or(""), kind.value_or(ViewKind::Jobs),
                    channels.value_or(ChannelPattern("x"))};
    read_count(table, "max_records", kMaxRecords, view.max_records);
    read_count(table, "recent", kMaxRecent, view.recent);
    if (kind == ViewKind::Jobs && table.find("recent") != nullptr)
        table.refuse("recent", "has no effect on kind \"jobs\", which is about all; leave it out");
    table.finish();
    if (!name || !kind || !channels)
        return std::nullopt;
    return view;
}

}  // namespace

void read_views(const toml::value* value, const std::vector<Feed>& feeds,
                std::vector<ViewConfig>& views, Problems& problems) {
    if (value == nullptr)
        return;
    const bool tables =
        value->is_array() && std::all_of(value->as_array().begin(), value->as_array().end(),
                                         [](const toml::value& view) { return view.is_table(); });
    if (!tables) {
        problems.add(line_of(*value), "view is " + kind_of(*value) +
                                          "; views are written [[view]], in double brackets");
        return;
    }
    for (const toml::value& table : value->as_array()) {
        std::optional<ViewConfig> view = read_view(table, feeds, problems);
        if (!view)
            continue;
        const bool taken = std::any_of(views.begin(), views.end(), [&](const ViewConfig& other) {
            return other.name == view->name;
        });
        if (taken)
            problems.add(line_of(table.as_table().at("name")),
                         "[[view]] name \"" + view->name +
                             "\" is that of another view as well; each needs its own");
        views.push_back(std::move(*view));
    }
}

}  // namespace herald::sidecar

#include "sidecar/channel_folders.hpp"

#include <filesystem>
#include <utility>

namespace herald::sidecar {

ChannelFolders::ChannelFolders(std::string state, const std::vector<Feed>& feeds)
    : state_(std::move(state)) {
    for (const Feed& feed : feeds) {
        if (feed.jsonl.empty())
            continue;
        const size_t slash = feed.jsonl.rfind('/');
        const bool own_folder =
            slash != std::string::npos && feed.jsonl.find('{', slash) == std::string::npos;
        routes_.push_back(
            {feed.channels, PathTemplate(feed.jsonl, feed.channels.part_names()), own_folder});
    }
}

bool ChannelFolders::exists(std::string_view channel) const {
    std::vector<std::string_view> values;
    for (const Route& route : routes_) {
        if (!route.channels.captures(channel, values))
            continue;
        std::filesystem::path path = route.path.expand(values);
        if (path.is_relative())
            path = state_ / path;
        std::error_code error;
        return route.own_folder ? std::filesystem::is_directory(path.parent_path(), error)
                                : std::filesystem::exists(path, error);
    }
    return false;
}

}  // namespace herald::sidecar

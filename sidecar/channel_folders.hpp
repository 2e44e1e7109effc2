// Whether a channel that has had no event is known all the same: because its JSONL file, or the
// folder that would hold it, exists. A template such as `runs/{job_id}/events.jsonl` gives each
// channel a folder of its own, and that is what is looked for; where the folder is shared
// (`runs/{job_id}.jsonl`), it is the file. Looks on the disk: not for the loop's thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sidecar/feed.hpp"
#include "sidecar/path_template.hpp"

namespace herald::sidecar {

class ChannelFolders {
  public:
    // `state`: what relative templates begin at.
    ChannelFolders(std::string state, const std::vector<Feed>& feeds);

    bool exists(std::string_view channel) const;

  private:
    struct Route {
        ChannelPattern channels;
        PathTemplate path;
        bool own_folder;
    };

    std::string state_;
    std::vector<Route> routes_{};
};

}  // namespace herald::sidecar

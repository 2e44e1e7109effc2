// STATE/views/checkpoint (docs/formats.md): the summaries of all views as they were behind one
// entry of the journal. One file, replaced as a whole: there is no moment at which a summary and
// the seq are of different times.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/views/view_config.hpp"

namespace herald::sidecar {

struct ViewsCheckpoint {
    struct Section {
        uint64_t origin = 0;  // what the summary is made of, and how: origin_of
        std::string name{};   // the view's
        std::string bytes{};  // the summary's
    };
    uint32_t log = 0;  // of the entry
    uint64_t seq = 0;  // of the newest entry that is in the summaries
    std::vector<Section> sections{};
};

// Differs where a summary of one view's events is none of the other's.
uint64_t origin_of(const ViewConfig& config);

std::string encode_checkpoint(const ViewsCheckpoint& checkpoint);
// Nothing where it is damaged, cut short, or of another version.
std::optional<ViewsCheckpoint> decode_checkpoint(std::string_view bytes);

}  // namespace herald::sidecar

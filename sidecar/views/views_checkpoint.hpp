// STATE/views/checkpoint (docs/formats.md): the summaries of all views as they were behind one
// entry of the journal. One file, replaced as a whole: there is no moment at which a summary and
// the seq are of different times.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/views/summary.hpp"
#include "sidecar/views/view_config.hpp"

namespace herald::sidecar {

// As it is read; what is text is a view into the file's bytes.
struct ViewsCheckpoint {
    struct Section {
        uint64_t origin = 0;  // what the summary is made of, and how: origin_of
        std::string_view name{};
        std::string_view bytes{};  // the summary's
    };
    uint32_t log = 0;  // of the entry
    uint64_t seq = 0;  // of the newest entry that is in the summaries
    std::vector<Section> sections{};
};

// Differs where a summary of one view's events is none of the other's.
uint64_t origin_of(const ViewConfig& config);

// Writes one into memory; large summaries are there once.
class CheckpointWriter {
  public:
    CheckpointWriter(uint32_t log, uint64_t seq);
    // Adds the section of a view.
    void add(const ViewConfig& config, const Summary& summary);
    // The file's bytes. Comes last.
    std::string finish();

  private:
    std::string bytes_{};
    uint64_t count_ = 0;
};

// Nothing where it is damaged, cut short, or of another version.
std::optional<ViewsCheckpoint> decode_checkpoint(std::string_view bytes);

}  // namespace herald::sidecar

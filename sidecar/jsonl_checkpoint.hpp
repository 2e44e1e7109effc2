// How far the per-channel files have got: STATE/jsonl/checkpoint (docs/formats.md).
//
// Its first line says up to which seq everything is in the files. Behind it follow intents: the
// size a file had before something was appended to it. Both are in one file, so that there is no
// moment at which one is of another time than the other.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sidecar/fd.hpp"

namespace herald::sidecar {

// A promise about one file: up to `seq`, its lines are in its first `size` bytes. What is behind
// them may be lines of later entries.
struct JsonlIntent {
    uint64_t seq = 0;
    uint64_t size = 0;
    std::string path{};  // as its template gives it; no control characters
};

class JsonlCheckpoint {
  public:
    struct Content {
        uint64_t seq = 0;
        // Set while the files are rebuilt without knowing what is in them: entries up to `until`
        // may already be in files that nobody has written to since `since_ns` (of 1970).
        uint64_t until = 0;
        int64_t since_ns = 0;
        std::vector<JsonlIntent> intents{};  // the last one of a path counts
    };

    // `directory` is made where it is missing, by `load`.
    explicit JsonlCheckpoint(std::string directory) : directory_(std::move(directory)) {}

    // All functions throw std::system_error.

    // Nothing where there is no checkpoint, or none that can be read. A torn end is cut.
    std::optional<Content> load();
    // Puts a new checkpoint in the place of the old one, as a whole and on disk.
    void replace(const Content& content);
    // Adds intents to the current one. `durable`: they are on disk on return.
    void add(std::span<const JsonlIntent> intents, bool durable);

  private:
    std::string path() const { return directory_ + "/checkpoint"; }
    void open_for_intents();

    std::string directory_;
    Fd fd_{};
};

}  // namespace herald::sidecar

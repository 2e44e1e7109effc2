// Rows that a table will never take, for the operator: STATE/postgres/dead.jsonl (docs/formats.md).
// One file for all tables, appended to by their threads.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace herald::sidecar::postgres {

class DeadLetters {
  public:
    static constexpr uint64_t kMaxBytes = uint64_t{1} << 30;

    // The directory is made where it is missing, by `append`.
    explicit DeadLetters(std::string state, uint64_t max_bytes = kMaxBytes)
        : directory_(std::move(state) + "/postgres"), max_bytes_(max_bytes) {}

    std::string path() const { return directory_ + "/dead.jsonl"; }

    // Appends whole lines; they are on disk when it returns. Any thread. Throws std::system_error,
    // and std::runtime_error where the file would get larger than `max_bytes`.
    void append(std::string_view lines);

  private:
    std::string directory_;
    uint64_t max_bytes_;
    std::mutex mutex_{};
};

}  // namespace herald::sidecar::postgres

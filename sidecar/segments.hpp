// The journal's files, as the threads that read them see them: which there are, and up to where
// the newest may be read. Written by the loop's thread, read by any. Knows nothing of their
// content.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace herald::sidecar {

struct Segment {
    uint32_t log = 0;
    uint64_t first_seq = 0;  // none of its lines that count has a lower one; also in its name
    std::string path{};
};

// `7f3a2c01-00000000000000000042.jsonl`
std::string segment_name(uint32_t log, uint64_t first_seq);

// The log and first seq of a segment's name in exactly that form, without a path; else nothing.
std::optional<Segment> parse_segment_name(std::string_view name);

class Segments {
  public:
    // -- the journal's thread
    void assign(std::vector<Segment> segments);  // oldest first
    void add(Segment segment);                   // becomes the newest; starts empty
    void remove_oldest();
    // Lines up to `offset` (bytes) of the newest segment may be read; the highest seq so far is
    // `last_seq`, or what it was before where that is higher.
    void extend(uint64_t offset, uint64_t last_seq);

    // Wakes whoever waits for something new. Apart from `extend`, so that many batches can share
    // one wake-up.
    void wake();

    // -- any thread
    struct View {
        std::vector<Segment> segments{};  // oldest first
        uint64_t offset = 0;              // readable bytes of the newest; the others: to their end
        uint64_t last_seq = 0;
    };
    View view() const;
    uint64_t last_seq() const;
    // How far a segment may be read: bytes of the newest, UINT64_MAX for the others.
    uint64_t readable(uint64_t first_seq) const;
    // Returns when `wake` was called since this thread's last wait, or after `ms`.
    void wait(uint64_t ms);

  private:
    mutable std::mutex mutex_{};
    std::condition_variable changed_{};
    View view_{};
    uint64_t wakes_ = 0;
    std::map<std::thread::id, uint64_t>
        heard_{};  // `wakes_` as each thread's last wait has seen it
};

}  // namespace herald::sidecar

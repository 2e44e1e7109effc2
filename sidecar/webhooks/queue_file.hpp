// A webhook's checkpoint: how far it has read the journal, and what of that it still has to
// deliver, data and all, so that nothing depends on how long the journal keeps it
// (docs/formats.md). A log of groups, each of which counts as a whole or not at all; replaced by a
// short one when it has grown long.
//
// A lost end is an earlier state: events are delivered again, and none is forgotten.
//
// Lives on the webhooks' thread. Everything throws std::system_error; after that only `replace`
// makes the file good again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/fd.hpp"
#include "sidecar/webhooks/delivery.hpp"

namespace herald::sidecar {

class QueueFile {
  public:
    explicit QueueFile(std::string path) : path_(std::move(path)) {}

    struct Content {
        uint64_t read_seq = 0;            // read up to here
        std::vector<Delivery> pending{};  // of that, in the order of seqs
        uint64_t lost_bytes = 0;          // behind the last group that is good
    };
    // Nothing where there is no file. A file that is none of this form is moved to `PATH.bad`,
    // which is logged, and counts as none.
    std::optional<Content> load();

    // -- a group
    void add(const Delivery& delivery);  // has to be delivered
    void note(uint64_t seq, uint32_t attempts);
    void drop(uint64_t seq);  // was delivered, or is a dead letter
    // Writes the group: everything up to `read_seq` was read.
    void commit(uint64_t read_seq);
    // Puts a file in the place of the old one that holds this group alone, on disk on return.
    void replace(uint64_t read_seq);
    // Forgets what of a group was not written.
    void clear() { group_.clear(); }
    // What was written is on disk on return.
    void sync();

    uint64_t size() const { return size_; }  // bytes

  private:
    void end_group(uint64_t read_seq);

    std::string path_;
    Fd file_{};
    uint64_t size_ = 0;
    std::string group_{};
};

}  // namespace herald::sidecar

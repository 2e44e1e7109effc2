// The per-channel files: the published objects, one a line, in the order of their seqs, each once,
// through `kill -9` at any moment (docs/formats.md). Files are only appended to.
//
// Lines are gathered per file and written by `commit`, one write a file. What is known of a file is
// kept from its first line behind a checkpoint to the next checkpoint, or while it is open: memory
// is bounded, however many channels there are.
//
// An error that is about one file alone (no permission, a directory in its place) costs this file
// its lines and is logged; the others go on. Any other error (no space, I/O) is thrown and nothing
// is lost: `open` sets everything right.
//
// Lives on its projection's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sidecar/config.hpp"
#include "sidecar/fd.hpp"
#include "sidecar/feed.hpp"
#include "sidecar/jsonl_checkpoint.hpp"
#include "sidecar/jsonl_file.hpp"
#include "sidecar/log.hpp"
#include "sidecar/path_template.hpp"
#include "sidecar/projection.hpp"

namespace herald::sidecar {

struct JsonlLimits {
    size_t open_files = 1024;       // and at most half of RLIMIT_NOFILE
    size_t buffer = 4 << 20;        // bytes gathered before they are written
    size_t known_files = 64 << 10;  // more than at a checkpoint, at which a checkpoint comes early
    uint64_t checkpoint_bytes = 64 << 20;  // appended, at which a checkpoint comes early
    uint64_t checkpoint_ms = 5000;         // between checkpoints
};

class JsonlFiles final : public Projection {
  public:
    // `state`: the state directory; what is missing of it is made. `feeds`: outlives this.
    // `fsync`: unless Never, a checkpoint covers only what is on disk. `journal_end`: the seq
    // behind which the journal's next entry comes; asked here, and where there is no checkpoint. A
    // checkpoint that is ahead of it when it is first opened is of a journal that is lost, and
    // counts as none. Throws std::invalid_argument where a feed's template is none.
    JsonlFiles(std::string state, const std::vector<Feed>& feeds, Fsync fsync,
               std::function<uint64_t()> journal_end, JsonlLimits limits = {});

    std::string name() const override { return "jsonl"; }
    uint64_t open() override;
    void apply(const JournalEntry& entry) override;
    void skip(uint64_t from_seq, uint64_t to_seq) override;
    void commit() override;
    void tend(uint64_t now_ms) override;

    uint64_t refused_lines() const { return refused_lines_; }  // for files that cannot be written

  private:
    struct Route {  // of a feed with files
        const ChannelPattern& channels;
        PathTemplate path;
    };
    struct File {
        explicit File(std::string path) : disk(std::move(path)) {}
        JsonlFile disk;
        std::string_view name{};  // its key in `files_`
        std::string lines{};      // not yet written
        uint64_t after_seq = 0;   // entries up to this one are in it, or were
        uint64_t intended = 0;    // the generation of its last intent
        bool written = false;     // since the checkpoint
        bool made = false;        // perhaps, since the checkpoint
        bool refused = false;     // and logged
        bool listed = false;      // in `open_`, at `place`
        std::list<File*>::iterator place{};
    };

    JsonlCheckpoint::Content load();
    File* file_of(std::string_view channel);
    void flush();
    void flush(std::span<File* const> group);
    bool prepare(File& file, std::vector<JsonlIntent>& intents);
    void append(File& file);
    void refuse(File& file, const std::system_error& error);
    void keep_open(File& file);
    void close(File& file);
    void note_device(const File& file);

    bool is_checkpoint_due() const;
    void checkpoint();
    void sync();
    std::vector<JsonlIntent> intents_to_carry();
    void settle_after_loss();

    const std::string state_;
    const bool durable_;
    const std::function<uint64_t()> journal_end_;
    std::optional<uint64_t> journal_end_at_start_;  // until the checkpoint was opened
    const JsonlLimits limits_;
    size_t max_open_;
    std::vector<Route> routes_{};
    JsonlCheckpoint checkpoint_;
    std::vector<std::string_view> values_{};  // used again

    std::unordered_map<std::string, File, TransparentHash, std::equal_to<>> files_{};
    std::vector<File*> pending_{};                 // have lines
    std::list<File*> open_{};                      // the one used last first
    std::vector<std::pair<dev_t, Fd>> devices_{};  // written to since the checkpoint

    JsonlCheckpoint::Content base_{};  // the checkpoint, without its intents
    uint64_t generation_ = 0;          // of checkpoints, to tell files' intents apart
    uint64_t applied_seq_ = 0;
    uint64_t flushed_seq_ = 0;      // everything up to here is written
    size_t buffered_ = 0;           // bytes in `pending_`
    uint64_t appended_ = 0;         // bytes since the checkpoint
    size_t kept_ = 0;               // files that were known at the checkpoint
    uint64_t checkpointed_ms_ = 0;  // monotonic
    bool write_again_ = false;      // a sync has failed: what was written may be lost

    uint64_t refused_lines_ = 0;
    log::Limit refusals_{5};
};

}  // namespace herald::sidecar

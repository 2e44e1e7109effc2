// Routing, gathering and writing. In the order in which a line meets them: apply, flush (intents
// first, then appends), checkpoint (sync first, then the new checkpoint).
#include "sidecar/jsonl_files.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "sidecar/files.hpp"
#include "sidecar/step.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kFewFiles = 64;         // synced one by one, not with their whole file system
constexpr size_t kKeptBuffer = 8 << 10;  // bytes of a file's buffer that stay for its next lines

uint64_t monotonic_ms() {
    using std::chrono::milliseconds;
    return static_cast<uint64_t>(std::chrono::duration_cast<milliseconds>(
                                     std::chrono::steady_clock::now().time_since_epoch())
                                     .count());
}

int64_t clock_ns(clockid_t clock) {
    struct timespec now {};
    clock_gettime(clock, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// A time behind every stamp that files have, and not ahead of one that comes later. The kernel
// stamps files by either clock, of which the coarse one is a few milliseconds behind: it is
// awaited, unless somebody sets the clock back meanwhile.
int64_t file_clock_ns() {
    const int64_t stamped = clock_ns(CLOCK_REALTIME);
    for (int i = 0; i < 100 && clock_ns(CLOCK_REALTIME_COARSE) <= stamped; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return clock_ns(CLOCK_REALTIME_COARSE);
}

size_t open_limit(size_t wanted) {
    struct rlimit limit {};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        wanted = std::min<size_t>(wanted, limit.rlim_cur / 2);
    return std::max<size_t>(wanted, 1);
}

// Errors that waiting does not help against and that other files need not have.
bool concerns_one_file(const std::error_code& code) {
    switch (code.value()) {
        case EACCES:
        case EPERM:
        case EISDIR:
        case ENOTDIR:
        case ELOOP:
        case ENXIO:
        case EINVAL:  // no regular file
        case ENAMETOOLONG:
        case EFBIG:
        case EMLINK:
        case ETXTBSY:
            return true;
        default:
            return false;
    }
}

}  // namespace

JsonlFiles::JsonlFiles(std::string state, const std::vector<Feed>& feeds, Fsync fsync,
                       std::function<uint64_t()> journal_end, JsonlLimits limits)
    : state_(std::move(state)),
      durable_(fsync != Fsync::Never),
      journal_end_(std::move(journal_end)),
      journal_end_at_start_(journal_end_()),
      limits_(limits),
      max_open_(open_limit(limits.open_files)),
      checkpoint_(state_ + "/jsonl") {
    for (const Feed& feed : feeds) {
        if (!feed.jsonl.empty())
            routes_.push_back(
                {feed.channels, PathTemplate(feed.jsonl, feed.channels.part_names())});
    }
}

uint64_t JsonlFiles::open() {
    pending_.clear();
    open_.clear();
    files_.clear();
    devices_.clear();
    buffered_ = 0;
    appended_ = 0;
    ++generation_;

    JsonlCheckpoint::Content found = load();
    for (JsonlIntent& intent : found.intents) {
        File& file =
            files_
                .try_emplace(intent.path, intent.path.starts_with('/') ? intent.path
                                                                       : state_ + "/" + intent.path)
                .first->second;
        file.disk.compare_from(intent.size);
        file.after_seq = intent.seq;
        file.made = intent.size == 0;
        file.intended = generation_;
    }
    for (auto& [path, file] : files_)
        file.name = path;
    kept_ = files_.size();
    found.intents.clear();
    base_ = std::move(found);
    applied_seq_ = flushed_seq_ = base_.seq;
    checkpointed_ms_ = monotonic_ms();
    return base_.seq;
}

// The checkpoint, or the one to start with where there is none.
JsonlCheckpoint::Content JsonlFiles::load() {
    std::optional<JsonlCheckpoint::Content> found = checkpoint_.load();
    // Only at the start: a journal that cannot write may be behind for a while.
    const uint64_t end = journal_end_at_start_.value_or(UINT64_MAX);
    const bool ahead = found && found->seq > end;
    if (ahead)
        log::error(log::Line("jsonl checkpoint is ahead of the journal, the files go on without it")
                       .with("checkpoint", found->seq)
                       .with("journal", end));
    JsonlCheckpoint::Content content;
    if (found && !ahead) {
        content = std::move(*found);
    } else {
        content.until = ahead ? end : journal_end_();
        content.since_ns = file_clock_ns();
        checkpoint_.replace(content);
    }
    journal_end_at_start_.reset();
    return content;
}

void JsonlFiles::apply(const JournalEntry& entry) {
    // What files have beyond the last entry they may have had is of events that are lost.
    if (base_.until != 0 && entry.id.seq > base_.until) {
        applied_seq_ = entry.id.seq - 1;
        settle_after_loss();
    }
    applied_seq_ = entry.id.seq;
    if (entry.kind == ring::Kind::Gap && applied_seq_ > base_.until)
        settle_after_loss();
    if (entry.kind != ring::Kind::Event)
        return;

    File* file = file_of(entry.channel);
    if (file == nullptr || entry.id.seq <= file->after_seq)
        return;
    if (file->lines.empty())
        pending_.push_back(file);
    file->lines += entry.data;
    file->lines += '\n';
    buffered_ += entry.data.size() + 1;
    if (buffered_ >= limits_.buffer)
        commit();
}

// Null where the channel has no file. The file stays where it is until the next checkpoint.
JsonlFiles::File* JsonlFiles::file_of(std::string_view channel) {
    for (const Route& route : routes_) {
        if (!route.channels.captures(channel, values_))
            continue;
        std::string path = route.path.expand(values_);
        const auto found = files_.find(path);
        if (found != files_.end())
            return &found->second;
        std::string full = path.starts_with('/') ? path : state_ + "/" + path;
        const auto made = files_.try_emplace(std::move(path), std::move(full)).first;
        made->second.name = made->first;
        return &made->second;
    }
    return nullptr;
}

void JsonlFiles::skip(uint64_t from_seq, uint64_t to_seq) {
    log::warn(log::Line("jsonl files miss events that the journal no longer has")
                  .with("after", from_seq)
                  .with("to", to_seq));
    applied_seq_ = to_seq;
}

void JsonlFiles::commit() {
    flush();
    if (files_.size() >= kept_ + limits_.known_files || appended_ >= limits_.checkpoint_bytes)
        checkpoint();
}

void JsonlFiles::tend(uint64_t) {
    if (is_checkpoint_due())
        checkpoint();
}

// -- writing

void JsonlFiles::flush() {
    const std::span<File* const> all(pending_);
    for (size_t i = 0; i < all.size(); i += max_open_)
        flush(all.subspan(i, std::min(max_open_, all.size() - i)));
    pending_.clear();
    buffered_ = 0;
    flushed_seq_ = applied_seq_;
}

// No more files than may be open at a time.
void JsonlFiles::flush(std::span<File* const> group) {
    std::vector<JsonlIntent> intents;
    for (File* file : group) {
        if (!prepare(*file, intents))
            file->lines.clear();
    }
    if (!intents.empty()) {
        checkpoint_.add(intents, durable_);
        at_step("jsonl.intended");
    }
    for (File* file : group) {
        if (!file->lines.empty())
            append(*file);
    }
}

// False where the file cannot be written to.
bool JsonlFiles::prepare(File& file, std::vector<JsonlIntent>& intents) {
    try {
        const int64_t compare_before = flushed_seq_ < base_.until ? base_.since_ns : 0;
        const bool lost = file.disk.open(compare_before);
        keep_open(file);
        note_device(file);
        file.refused = false;

        if (file.intended != generation_ || lost) {
            intents.push_back({flushed_seq_, file.disk.position(), std::string(file.name)});
            file.made = file.made || file.disk.position() == 0;
        }
        file.intended = generation_;
        return true;
    } catch (const std::system_error& error) {
        refuse(file, error);
        return false;
    }
}

void JsonlFiles::append(File& file) {
    try {
        // Written to or only compared: from here on, its own intents say what is in it.
        if (file.disk.is_comparing() && flushed_seq_ < base_.until)
            file.disk.mark();
        file.written = true;
        file.disk.append(file.lines, write_again_);
    } catch (const std::system_error& error) {
        refuse(file, error);
        return;
    }
    at_step("jsonl.appended");
    appended_ += file.lines.size();
    file.lines.clear();
    if (file.lines.capacity() > kKeptBuffer)
        file.lines.shrink_to_fit();
}

// Throws on where others may be concerned.
void JsonlFiles::refuse(File& file, const std::system_error& error) {
    if (!concerns_one_file(error.code()))
        throw error;
    refused_lines_ += static_cast<uint64_t>(std::count(file.lines.begin(), file.lines.end(), '\n'));
    file.lines = {};
    file.disk.undo();
    close(file);
    file.intended = 0;  // its next intent says that it went on without these lines
    if (std::exchange(file.refused, true))
        return;
    log::Line line("jsonl file cannot be written; its events are left out");
    line.with("path", file.disk.path()).with("error", error.what());
    if (refusals_.admits(monotonic_ms(), line))
        log::error(line);
}

// The group that is being written is never closed: it is no larger than `max_open_`.
void JsonlFiles::keep_open(File& file) {
    if (!std::exchange(file.listed, true))
        file.place = open_.insert(open_.begin(), &file);
    else
        open_.splice(open_.begin(), open_, file.place);
    while (open_.size() > max_open_)
        close(*open_.back());
}

void JsonlFiles::close(File& file) {
    file.disk.close();
    if (std::exchange(file.listed, false))
        open_.erase(file.place);
    file.lines.shrink_to_fit();
}

// The journal has lost entries whose lines files may have: these stay. The checkpoint says so
// before a line of a later entry is written, so that this is never done with such lines in place.
void JsonlFiles::settle_after_loss() {
    flush();
    for (auto& [path, file] : files_) {
        if (!file.disk.is_ahead())
            continue;
        try {
            file.disk.open(0);
            keep_open(file);
            note_device(file);
            file.written = true;
            file.disk.keep_rest();
        } catch (const std::system_error& error) {
            refuse(file, error);
        }
    }
    checkpoint();
}

// -- checkpoints

bool JsonlFiles::is_checkpoint_due() const {
    return applied_seq_ != base_.seq && monotonic_ms() - checkpointed_ms_ >= limits_.checkpoint_ms;
}

void JsonlFiles::checkpoint() {
    flush();
    if (durable_) {
        try {
            sync();
        } catch (...) {
            write_again_ = true;
            throw;
        }
    }

    base_.seq = applied_seq_;
    if (base_.seq >= base_.until)
        base_.until = 0, base_.since_ns = 0;
    JsonlCheckpoint::Content next = base_;
    ++generation_;
    next.intents = intents_to_carry();
    checkpoint_.replace(next);
    at_step("jsonl.checkpointed");

    write_again_ = false;
    appended_ = 0;
    devices_.clear();
    checkpointed_ms_ = monotonic_ms();
    for (auto it = files_.begin(); it != files_.end();) {
        File& file = it->second;
        file.written = file.made = false;
        it = file.listed || file.intended == generation_ ? std::next(it) : files_.erase(it);
    }
    kept_ = files_.size();
}

// Of files that still have lines, from before a crash, whose entries are yet to come.
std::vector<JsonlIntent> JsonlFiles::intents_to_carry() {
    std::vector<JsonlIntent> intents;
    for (auto& [path, file] : files_) {
        if (file.after_seq <= applied_seq_ && !file.disk.is_ahead())
            continue;
        intents.push_back({std::max(applied_seq_, file.after_seq), file.disk.position(), path});
        file.intended = generation_;
    }
    return intents;
}

void JsonlFiles::sync() {
    at_step("jsonl.syncing");
    // A new file is on disk only with its directory, so that it takes the whole file system.
    std::vector<const File*> written;
    bool few = true;
    for (auto it = files_.begin(); few && it != files_.end(); ++it) {
        if (!it->second.written)
            continue;
        written.push_back(&it->second);
        few = written.size() <= kFewFiles && !it->second.made;
    }

    for (size_t i = 0; few && i < written.size(); ++i)
        written[i]->disk.sync();
    for (size_t i = 0; !few && i < devices_.size(); ++i) {
        if (syncfs(devices_[i].second.get()) != 0)
            throw std::system_error(errno, std::generic_category(), "sync the jsonl files");
    }
}

// A descriptor by which the file system can be synced, opened before what there is to sync.
void JsonlFiles::note_device(const File& file) {
    const dev_t device = file.disk.device();
    for (const auto& [known, fd] : devices_) {
        if (known == device)
            return;
    }
    devices_.emplace_back(device, Fd(fcntl(file.disk.fd(), F_DUPFD_CLOEXEC, 0)));
    if (!devices_.back().second) {
        devices_.pop_back();
        throw std::system_error(errno, std::generic_category(), "duplicate a descriptor");
    }
}

}  // namespace herald::sidecar

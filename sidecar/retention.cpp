// Age is what the lines say of themselves: a copied or restored file keeps it. A time in the future
// is a clock that was wrong; then the segment behind it tells, which was begun later.
//
// The clock may as well be wrong now: far ahead, it would make everything old at once. So a segment
// goes only when it has been too old for a while of another clock, in every call. A wall clock that
// is put right in that time has cost nothing.
#include "sidecar/retention.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "sidecar/journal_files.hpp"
#include "sidecar/log.hpp"

namespace herald::sidecar {

namespace {

constexpr uint64_t kMaxDoubtMs = 3600 * 1000;

}  // namespace

void Retention::prune(Segments& segments, uint64_t now_ms, uint64_t applied_seq,
                      uint64_t steady_ms) {
    const Segments::View view = segments.view();
    if (view.segments.size() < 2)
        return;
    uint64_t total = view.offset;
    for (size_t i = 0; i + 1 < view.segments.size(); ++i)
        total += facts_of(view.segments[i]).size;

    const size_t expired = count_expired(view, now_ms, steady_ms);
    for (size_t i = 0; i + 1 < view.segments.size(); ++i) {
        const bool too_much = config_.max_size != 0 && total > config_.max_size;
        const bool applied = view.segments[i + 1].first_seq - 1 <= applied_seq;
        if (!too_much && !(applied && i < expired))
            return;
        if (!remove(view.segments[i]))
            return;
        total -= facts_of(view.segments[i]).size;
        facts_.erase(view.segments[i].first_seq);
        segments.remove_oldest();
    }
}

// How many of the oldest have been too old for long enough.
size_t Retention::count_expired(const Segments::View& view, uint64_t now_ms, uint64_t steady_ms) {
    if (config_.retention_ms == 0)
        return 0;
    const uint64_t doubt_ms = std::min(config_.retention_ms, kMaxDoubtMs);
    size_t expired = 0;
    bool too_old = true;  // so far
    for (size_t i = 0; i + 1 < view.segments.size(); ++i) {
        too_old = too_old && ended_ms(view, i, now_ms) + config_.retention_ms < now_ms;
        facts_of(view.segments[i]);
        std::optional<uint64_t>& since = facts_[view.segments[i].first_seq].too_old_since;
        if (!too_old)
            since.reset();
        else if (!since)
            since = steady_ms;
        if (too_old && expired == i && steady_ms - *since >= doubt_ms)
            ++expired;
    }
    return expired;
}

const Retention::Facts& Retention::facts_of(const Segment& segment) {
    const auto [found, fresh] = facts_.try_emplace(segment.first_seq);
    struct stat status {};
    if (fresh && stat(segment.path.c_str(), &status) == 0)
        found->second.size = static_cast<uint64_t>(status.st_size);
    return found->second;
}

// When the segment's last line came; later than that where it cannot be known.
uint64_t Retention::ended_ms(const Segments::View& view, size_t index, uint64_t now_ms) {
    for (; index + 1 < view.segments.size(); ++index) {
        const Segment& segment = view.segments[index];
        facts_of(segment);
        Facts& facts = facts_[segment.first_seq];
        if (!facts.has_time) {
            try {
                const SegmentTail tail = read_tail(segment.path);
                facts.last_at_ms = tail.has_line() ? tail.last_at_ms : UINT64_MAX;
            } catch (const std::system_error& error) {
                // It is gone already, or cannot be read: only its size and its followers count.
                facts.last_at_ms = UINT64_MAX;
            }
            facts.has_time = true;
        }
        if (facts.last_at_ms <= now_ms)
            return facts.last_at_ms;
    }
    return now_ms;
}

bool Retention::remove(const Segment& segment) {
    unlink(torn_path(segment.path).c_str());
    if (unlink(segment.path.c_str()) == 0 || errno == ENOENT) {
        log::info(log::Line("journal: removed its oldest segment").with("file", segment.path));
        told_ = false;
        return true;
    }
    if (!told_)
        log::error(log::Line("journal: cannot remove a segment")
                       .with("file", segment.path)
                       .with("error", std::generic_category().message(errno)));
    told_ = true;
    return false;
}

}  // namespace herald::sidecar

// In the order in which an event meets it: open, apply, commit (documents, then the checkpoint),
// and what is made anew beside them.
#include "sidecar/views/event_views.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

#include "sidecar/files.hpp"
#include "sidecar/step.hpp"
#include "sidecar/wall_clock.hpp"

namespace herald::sidecar {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kMakeSlice{5};
constexpr int kMakeEntries = 1000;  // in a slice

// A checkpoint's time is at most one part in so many.
constexpr int kKeepShare = 20;

}  // namespace

EventViews::EventViews(const std::string& state, const std::vector<ViewConfig>& configs,
                       JournalPlace journal, milliseconds checkpoint_apart)
    : directory_(state + "/views"),
      journal_(journal),
      checkpoint_apart_(checkpoint_apart),
      documents_(configs.size()) {
    for (const ViewConfig& config : configs)
        views_.push_back(Kept{config});
}

// -- the start

uint64_t EventViews::open() {
    make_directories(directory_, 0750);
    std::string bytes;
    const std::optional<ViewsCheckpoint> found = load(bytes);
    seq_ = found ? found->seq : 0;
    for (Kept& kept : views_)
        restore(kept, found ? &*found : nullptr);
    opened_ = true;
    shown_ = false;  // what is shown stays until all of this is as new
    unkept_ = false;
    kept_seq_.store(seq_, std::memory_order_release);
    keep_at_ = Clock::now() + checkpoint_apart_;
    return seq_;
}

// Nothing where there is none that can be gone on from. What is found is a view into `bytes`.
std::optional<ViewsCheckpoint> EventViews::load(std::string& bytes) {
    const std::string path = directory_ + "/checkpoint";
    try {
        bytes = read_file(path);
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::no_such_file_or_directory)
            throw;
        return std::nullopt;
    }
    std::optional<ViewsCheckpoint> found = decode_checkpoint(bytes);
    if (!found) {
        log::error(
            log::Line("views: the checkpoint cannot be read, making them anew").with("path", path));
        return std::nullopt;
    }
    return is_of_journal(*found) ? std::move(found) : std::nullopt;
}

// Asked at the start alone: a journal that cannot write may be behind for a while.
bool EventViews::is_of_journal(const ViewsCheckpoint& checkpoint) {
    if (opened_)
        return true;
    const bool ahead = checkpoint.seq > journal_.end;
    if (!ahead && checkpoint.log == log_at(checkpoint.seq))
        return true;
    log::error(log::Line(ahead ? "views: the checkpoint is ahead of the journal, making them anew"
                               : "views: the checkpoint is of another log, making them anew")
                   .with("checkpoint", checkpoint.seq)
                   .with("journal", journal_.end));
    return false;
}

// The log of a seq's entry, by the segments; where its segment is gone, that of what is left.
uint32_t EventViews::log_at(uint64_t seq) const {
    const Segments::View view = journal_.segments.view();
    uint32_t log = view.segments.empty() ? journal_.log : view.segments.front().log;
    for (const Segment& segment : view.segments) {
        if (segment.first_seq <= seq)
            log = segment.log;
    }
    return log;
}

void EventViews::restore(Kept& kept, const ViewsCheckpoint* checkpoint) {
    kept.making.reset();
    kept.changed = true;
    kept.complete = checkpoint == nullptr;
    kept.summary = make_summary(kept.config);
    if (checkpoint == nullptr)
        return;

    const uint64_t origin = origin_of(kept.config);
    for (const auto& section : checkpoint->sections) {
        if (section.name != kept.config.name || section.origin != origin)
            continue;
        if (kept.summary->load(section.bytes)) {
            kept.complete = true;
            return;
        }
        log::error(log::Line("views: the checkpoint cannot be read, making the view anew")
                       .with("view", kept.config.name));
        break;
    }
    kept.summary = make_summary(kept.config);
    make_anew(static_cast<size_t>(&kept - views_.data()));
}

// -- events

void EventViews::apply(const JournalEntry& entry) {
    seq_ = entry.id.seq;
    unkept_ = true;
    if (entry.kind != ring::Kind::Event)
        return;
    for (Kept& kept : views_) {
        if (kept.complete)
            take(kept, *kept.summary, entry);
    }
}

void EventViews::take(Kept& kept, Summary& summary, const JournalEntry& entry) {
    if (!kept.config.channels.matches(entry.channel))
        return;
    const Summary::Took took = summary.apply(entry.data, entry.at_ms);
    if (&summary != kept.summary.get())
        return;  // it has been there once already
    kept.changed = kept.changed || took == Summary::Took::Changed;
    if (took != Summary::Took::Foreign)
        return;

    foreign_.fetch_add(1, std::memory_order_relaxed);
    log::Line line("views: an event is not understood, and left out");
    line.with("view", kept.config.name)
        .with("channel", log::shorten(entry.channel, 100))
        .with("seq", entry.id.seq)
        .with("expected", summary.expects());
    if (complaints_.admits(wall_clock_ms(), line))
        log::warn(line);
}

void EventViews::skip(uint64_t from_seq, uint64_t to_seq) {
    log::warn(log::Line("views miss events that the journal no longer has")
                  .with("after", from_seq)
                  .with("to", to_seq));
    seq_ = to_seq;
    unkept_ = true;
}

// -- what is shown, and what is kept

void EventViews::show() {
    if (std::exchange(shown_, true))
        return;
    publish();
}

void EventViews::commit() {
    if (shown_)
        publish();
    checkpoint_if_due();
}

void EventViews::tend(uint64_t) {
    checkpoint_if_due();
}

void EventViews::checkpoint_if_due() {
    if (unkept_ && Clock::now() >= keep_at_)
        checkpoint();
}

void EventViews::publish() {
    for (size_t i = 0; i < views_.size(); ++i) {
        Kept& kept = views_[i];
        if (!kept.complete || !kept.changed)
            continue;
        auto document = std::make_shared<const std::string>(kept.summary->document());
        kept.changed = false;
        tell_forgotten(kept);
        const std::lock_guard lock(mutex_);
        documents_[i] = std::move(document);
    }
}

// Once, and whenever there are ten times as many.
void EventViews::tell_forgotten(Kept& kept) {
    const uint64_t forgotten = kept.summary->forgotten();
    if (forgotten == 0 || forgotten / 10 < kept.told_forgotten)
        return;
    kept.told_forgotten = forgotten;
    log::warn(log::Line("views: a view has max_records, and forgets the oldest")
                  .with("view", kept.config.name)
                  .with("max_records", kept.config.max_records)
                  .with("forgotten", forgotten));
}

EventViews::Document EventViews::document(size_t view) const {
    const std::lock_guard lock(mutex_);
    return documents_[view];
}

// What is not complete is left out, and made of the journal by the next start.
void EventViews::checkpoint() {
    const auto began = Clock::now();
    try {
        CheckpointWriter content(log_at(seq_), seq_);
        for (const Kept& kept : views_) {
            if (kept.complete)
                content.add(kept.config, *kept.summary);
        }
        at_step("views.checkpoint");
        replace_file(directory_ + "/checkpoint", content.finish());
        unkept_ = false;
        kept_seq_.store(seq_, std::memory_order_release);
        if (std::exchange(cannot_keep_, false))
            log::info(log::Line("views: the checkpoint can be written again").with("seq", seq_));
    } catch (const std::exception& error) {
        if (!std::exchange(cannot_keep_, true))
            log::error(
                log::Line("views: the checkpoint cannot be written").with("reason", error.what()));
    }
    const auto took = Clock::now() - began;
    const bool always = checkpoint_apart_ == milliseconds(0);
    keep_at_ =
        always ? began : began + std::max<Clock::duration>(checkpoint_apart_, took * kKeepShare);
}

// -- what is made anew

void EventViews::make_anew(size_t view) {
    Kept& kept = views_[view];
    if (kept.making)
        return;
    kept.making = std::make_unique<Making>(
        Making{JournalReader(journal_.segments, 0), make_summary(kept.config)});
    log::info(log::Line("views: making a view anew").with("view", kept.config.name));
}

bool EventViews::make_some() {
    const auto until = Clock::now() + kMakeSlice;
    for (Kept& kept : views_) {
        if (kept.making && make_some(kept, until))
            return true;
    }
    return false;
}

// Whether there is more to do. The entries up to `seq_` are what the others have had as well: from
// there on it is one of them.
bool EventViews::make_some(Kept& kept, Clock::time_point until) {
    Making& making = *kept.making;
    JournalEntry entry;
    for (int i = 1; making.reader.next(entry) == JournalReader::Read::Entry; ++i) {
        if (entry.id.seq > seq_)
            break;
        if (entry.kind == ring::Kind::Event)
            take(kept, *making.summary, entry);
        if (entry.id.seq == seq_)
            break;
        if (i == kMakeEntries || (i % 64 == 0 && Clock::now() >= until))
            return true;
    }
    kept.summary = std::move(making.summary);
    kept.making.reset();
    kept.complete = true;
    kept.changed = true;
    kept.told_forgotten = 0;
    log::info(log::Line("views: a view is made anew").with("view", kept.config.name));
    if (shown_)
        publish();
    unkept_ = true;
    return false;
}

}  // namespace herald::sidecar

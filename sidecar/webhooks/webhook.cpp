// In the order in which an event meets it: reading, sending, what comes of it, the files.
#include "sidecar/webhooks/webhook.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "sidecar/files.hpp"
#include "sidecar/log.hpp"
#include "sidecar/step.hpp"
#include "sidecar/wall_clock.hpp"
#include "sidecar/webhooks/line_filter.hpp"
#include "sidecar/webhooks/schedule.hpp"

namespace herald::sidecar {

namespace {

constexpr uint64_t kMaxBytes = 16 << 20;  // of a queue's events
constexpr int kSliceEntries = 1000;       // of the journal, between two looks at the network
constexpr std::chrono::milliseconds kSlice{5};

constexpr uint64_t kCommitMs = 20;      // at most so much is delivered again after a crash
constexpr uint64_t kPositionMs = 1000;  // where nothing but the position has changed
constexpr uint64_t kSyncMs = 5000;
constexpr uint64_t kLongFile = 4 << 20;  // bytes, and twice the queue's: written anew
constexpr uint64_t kDiskAgainMs = 1000;

constexpr uint32_t kOutage = 3;      // failures in a row: it is not about a single event
constexpr uint64_t kHurryMs = 2000;  // within which the waiting ones follow the first success

}  // namespace

Webhook::Webhook(uv_loop_t* loop, CurlLoop& curl, const Segments& segments, const Feed& feed,
                 const WebhookConfig& config, WebhookSettings settings)
    : loop_(loop),
      curl_(curl),
      segments_(segments),
      feed_(feed),
      config_(config),
      settings_(std::move(settings)),
      name_(file_name_of(feed.name, config.url)),
      origin_(origin_of(config.url)),
      queue_(config.max_pending, kMaxBytes),
      file_(settings_.directory + "/" + name_ + ".queue"),
      letters_(settings_.directory + "/" + name_ + ".dead.jsonl", origin_),
      health_(feed.name, origin_, name_),
      timer_(make_timer(loop, this)) {}

// What is under way is called off, and sent again after the next start.
Webhook::~Webhook() {
    requests_.clear();
    if (!reader_)
        return;
    try {
        commit();
        sync();
    } catch (const std::exception& error) {
        log::error(log::Line("webhook ends without its last checkpoint")
                       .with("webhook", name_)
                       .with("error", error.what()));
    }
}

void Webhook::turn() noexcept {
    try {
        if (now_ms() >= disk_again_ms_)
            use_disk();
        if (!stopping_ && reader_)
            send_due();
    } catch (const std::exception& error) {
        log::error(
            log::Line("webhook cannot send").with("webhook", name_).with("error", error.what()));
    }
    const bool behind = reader_ && !at_end_ && !queue_.has_room();
    health_.followed(queue_, read_seq_, behind, at_end_, now_ms());
    arrange();
}

void Webhook::arrange() {
    uint64_t at = UINT64_MAX;
    if (!stopping_ && reader_ && sending_ < config_.concurrency) {
        if (const auto due = queue_.next_due_ms())
            at = std::max(*due, paused_until_ms_);
    }
    const bool reads_on = !stopping_ && reader_ && !at_end_ && may_read();
    const uint64_t disk = !reader_ || reads_on ? 0 : commit_due_ms();
    at = std::min(at, disk == UINT64_MAX ? disk : std::max(disk, disk_again_ms_));
    if (at == UINT64_MAX) {
        uv_timer_stop(timer_.get());
        return;
    }
    const uint64_t now = now_ms();
    uv_timer_start(
        timer_.get(), [](uv_timer_t* timer) noexcept { owner_of<Webhook>(timer).turn(); },
        at > now ? at - now : 0, 0);
}

// -- reading

// Everything that a full or broken disk can fail, which is then left alone for a while.
void Webhook::use_disk() {
    try {
        if (!reader_)
            open();
        if (!stopping_)
            read_journal();
        if (commit_due_ms() <= now_ms())
            commit();
    } catch (const std::exception& error) {
        disk_again_ms_ = now_ms() + kDiskAgainMs;
        changed_ = true;  // the next commit is what says whether it works again
        health_.disk_failed(error.what());
    }
}

void Webhook::open() {
    make_directories(settings_.directory, 0750);
    std::optional<QueueFile::Content> found = file_.load();
    if (found && found->lost_bytes != 0)
        log::warn(log::Line("webhook queue ends within a record; events may be delivered again")
                      .with("webhook", name_)
                      .with("bytes", found->lost_bytes));
    const bool ahead = found && found->read_seq > settings_.journal_end;
    read_seq_ = found && !ahead ? found->read_seq : settings_.journal_end;
    if (!found)
        log::info(log::Line("webhook is new and starts with what comes now")
                      .with("webhook", name_)
                      .with("url", origin_)
                      .with("seq", read_seq_));
    if (ahead)
        log::error(log::Line("webhook is ahead of the journal; what it had left to deliver becomes "
                             "dead letters")
                       .with("webhook", name_)
                       .with("events", found->pending.size()));

    reader_.emplace(segments_, read_seq_);
    reader_->parse_only(LineFilter(feed_, config_));
    committed_seq_.store(read_seq_, std::memory_order_release);
    changed_ = true;
    for (Delivery& delivery : found ? std::move(found->pending) : std::vector<Delivery>()) {
        if (ahead) {
            // Its seq will be another event's.
            delivery.error = "the journal was lost";
            letters_.add(delivery, wall_clock_ms());
            continue;
        }
        troubled_ += delivery.attempts != 0;
        queue_.add(std::move(delivery), now_ms());
    }
}

bool Webhook::may_read() const {
    return queue_.has_room() && !health_.is_disk_failing();
}

void Webhook::read_journal() {
    const auto until = std::chrono::steady_clock::now() + kSlice;
    JournalEntry entry;
    at_end_ = false;
    for (int i = 1; i <= kSliceEntries && may_read(); ++i) {
        at_end_ = reader_->next(entry) == JournalReader::Read::End;
        if (at_end_)
            return;
        accept(entry);
        if (i % 64 == 0 && std::chrono::steady_clock::now() >= until)
            return;
    }
}

void Webhook::accept(const JournalEntry& entry) {
    // A gap tells the rest of what is missing itself.
    const uint64_t before = entry.id.seq - 1;
    const uint64_t lost_to =
        entry.kind == ring::Kind::Gap ? std::min(entry.from_seq, before) : before;
    if (lost_to > read_seq_) {
        log::error(log::Line("webhook misses events that the journal no longer has")
                       .with("webhook", name_)
                       .with("after", read_seq_)
                       .with("to", lost_to));
        letters_.add_lost(read_seq_, lost_to, wall_clock_ms());
        changed_ = true;
    }
    read_seq_ = entry.id.seq;
    if (entry.kind != ring::Kind::Event || entry.channel.empty() || !config_.wants(entry.event) ||
        !feed_.channels.matches(entry.channel))
        return;
    queue_.add(Delivery::of(entry, std::max(entry.at_ms, settings_.started_ms)), now_ms());
    changed_ = true;
}

// -- sending

void Webhook::send_due() {
    if (now_ms() < paused_until_ms_)
        return;
    while (sending_ < config_.concurrency) {
        WebhookRequest& request = idle_request();
        Delivery* delivery = queue_.take(now_ms());
        if (delivery == nullptr)
            return;
        try {
            request.begin(*delivery, wall_clock_ms() / 1000);
        } catch (const std::exception&) {
            queue_.retry(*delivery, now_ms() + kFirstRetryMs);
            throw;
        }
        ++sending_;
    }
}

// There is one, or another may be made.
WebhookRequest& Webhook::idle_request() {
    for (const auto& request : requests_) {
        if (request->is_idle())
            return *request;
    }
    return *requests_.emplace_back(std::make_unique<WebhookRequest>(
        curl_, config_, settings_.ca_file,
        [this](Delivery& delivery, const WebhookRequest::Outcome& outcome) {
            on_done(delivery, outcome);
        }));
}

void Webhook::on_done(Delivery& delivery, const WebhookRequest::Outcome& outcome) {
    --sending_;
    at_step("webhook.answered");
    if (verdict_of(outcome.status) == Verdict::Delivered)
        delivered(delivery);
    else
        failed(delivery, outcome);
    turn();
}

void Webhook::delivered(Delivery& delivery) {
    if (failures_ >= kOutage)
        queue_.hurry([this](uint64_t) { return now_ms() + random_() % kHurryMs; });
    failures_ = 0;
    remove(delivery);
    health_.delivered(troubled_ == 0);
}

void Webhook::failed(Delivery& delivery, const WebhookRequest::Outcome& outcome) {
    troubled_ += delivery.attempts == 0;
    ++delivery.attempts;
    delivery.status = outcome.status;
    delivery.error = outcome.error;
    changed_ = true;
    const uint64_t wall_ms = wall_clock_ms();
    const uint64_t deadline_ms = delivery.since_ms + config_.retry_for_ms;
    if (verdict_of(outcome.status) == Verdict::Refused || wall_ms >= deadline_ms)
        return bury(delivery);

    ++failures_;
    health_.failed(delivery);
    uint64_t wait_ms = webhook_retry_ms(delivery.attempts, static_cast<uint32_t>(random_()));
    const uint64_t asked_ms = std::min(outcome.retry_after_s, kLongestRetryMs / 1000) * 1000;
    wait_ms = std::max(wait_ms, asked_ms);
    // The last attempt comes when the time is over.
    wait_ms = std::min(wait_ms, deadline_ms - wall_ms);
    queue_.retry(delivery, now_ms() + wait_ms);
    if (outcome.status == 429 || outcome.status == 503)
        paused_until_ms_ = std::max(paused_until_ms_, now_ms() + asked_ms);
}

void Webhook::bury(Delivery& delivery) {
    health_.gave_up(delivery, letters_.path(), now_ms());
    letters_.add(delivery, wall_clock_ms());
    dead_.push_back(&delivery);
}

void Webhook::remove(Delivery& delivery) {
    troubled_ -= delivery.attempts != 0;
    if (delivery.kept)
        dropped_.push_back(delivery.id.seq);
    queue_.remove(delivery, now_ms());
    changed_ = true;
}

// -- the files

// When there is something to write or to sync; UINT64_MAX where there is nothing.
uint64_t Webhook::commit_due_ms() const {
    if (!reader_)
        return UINT64_MAX;
    if (changed_)
        return committed_ms_ + kCommitMs;
    if (read_seq_ != written_seq_)
        return committed_ms_ + kPositionMs;
    return unsynced_ ? synced_ms_ + kSyncMs : UINT64_MAX;
}

void Webhook::commit() {
    if (!letters_.empty())
        letters_.flush();
    at_step("webhook.buried");
    for (Delivery* delivery : std::exchange(dead_, {}))
        remove(*delivery);
    if (changed_ || read_seq_ != written_seq_)
        write_group();
    if (now_ms() >= synced_ms_ + kSyncMs)
        sync();
    health_.disk_worked();
}

void Webhook::write_group() {
    const bool replace = must_replace_ || file_.size() > kLongFile + 2 * queue_.bytes();
    must_replace_ = true;  // unless everything goes well
    file_.clear();
    queue_.each([&](const Delivery& delivery) {
        if (replace || !delivery.kept)
            file_.add(delivery);
        else if (delivery.attempts != delivery.kept_attempts)
            file_.note(delivery.id.seq, delivery.attempts);
    });
    for (const uint64_t seq : dropped_) {
        if (!replace)
            file_.drop(seq);
    }
    if (replace)
        file_.replace(read_seq_);
    else
        file_.commit(read_seq_);
    at_step("webhook.committed");

    must_replace_ = false;
    unsynced_ = !replace;
    dropped_.clear();
    queue_.each([](Delivery& delivery) {
        delivery.kept = true;
        delivery.kept_attempts = delivery.attempts;
    });
    changed_ = false;
    written_seq_ = read_seq_;
    committed_ms_ = now_ms();
    if (replace || !settings_.durable)
        committed_seq_.store(written_seq_, std::memory_order_release);
}

void Webhook::sync() {
    if (!std::exchange(unsynced_, false))
        return;
    synced_ms_ = now_ms();
    if (!settings_.durable)
        return;
    must_replace_ = true;  // a sync that has failed is never asked again
    changed_ = true;
    file_.sync();
    must_replace_ = changed_ = false;
    committed_seq_.store(written_seq_, std::memory_order_release);
}

}  // namespace herald::sidecar

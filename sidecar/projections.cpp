#include "sidecar/projections.hpp"

#include <algorithm>

#include "sidecar/http_fetch.hpp"
#include "sidecar/wall_clock.hpp"

namespace herald::sidecar {

namespace {

constexpr uint64_t kPruneEveryMs = 10'000;

bool has_files(const Config& config) {
    return std::any_of(config.feeds.begin(), config.feeds.end(),
                       [](const Feed& feed) { return !feed.jsonl.empty(); });
}

// The seq behind which the next entry comes: also where the newest ones are not yet written, or
// will never be. On any thread.
uint64_t end_of(const Journal& journal) {
    return std::max(journal.last_seq(), journal.segments().last_seq());
}

WebhookSettings webhook_settings(const Config& config, const Journal& journal) {
    WebhookSettings settings;
    settings.directory = config.state + "/webhooks";
    settings.ca_file = fetch_options().ca_file;
    settings.durable = config.journal.fsync != Fsync::Never;
    settings.journal_end = end_of(journal);
    settings.started_ms = wall_clock_ms();
    return settings;
}

}  // namespace

Projections::Projections(uv_loop_t* loop, const Config& config, Journal& journal, OwnEvents& events)
    : journal_(journal),
      index_(config.state + "/index.db", config.feeds, [&journal] { return end_of(journal); }),
      history_(loop, index_, journal.segments()),
      files_(config.state, config.feeds, config.journal.fsync,
             [&journal] { return end_of(journal); }),
      tables_(loop, config, {journal.log(), journal.past_logs(), end_of(journal)},
              journal.segments()),
      prune_(make_timer(loop, this)) {
    if (has_files(config))
        files_thread_.emplace(files_, journal.segments());
    if (config.ingest.enabled)
        ingest_.emplace(
            loop, config.ingest, config.state + "/ingest.db", journal.segments(),
            [&journal] { return end_of(journal); }, events);
    if (!config.views.empty())
        views_.emplace(config.state, config.views, journal.segments(), journal.log(),
                       end_of(journal));
    if (has_webhooks(config.feeds))
        webhooks_.emplace(config.feeds, journal.segments(), webhook_settings(config, journal));
    uv_timer_start(
        prune_.get(), [](uv_timer_t* timer) noexcept { owner_of<Projections>(timer).prune(); },
        kPruneEveryMs, kPruneEveryMs);
}

void Projections::add_to(Views& views) {
    if (views_)
        views_->add_to(views);
    if (ingest_)
        views.add("runs", ingest_->view());
    tables_.add_to(views);
    if (webhooks_)
        webhooks_->add_to(views);
}

void Projections::prune() noexcept {
    uint64_t applied = std::min(history_.committed_seq(), tables_.committed_seq());
    if (files_thread_)
        applied = std::min(applied, files_thread_->committed_seq());
    if (ingest_)
        applied = std::min(applied, ingest_->committed_seq());
    if (views_)
        applied = std::min(applied, views_->kept_seq());
    if (webhooks_)
        applied = std::min(applied, webhooks_->committed_seq());
    journal_.prune(wall_clock_ms(), applied);
}

}  // namespace herald::sidecar

#include "sidecar/app.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "sidecar/control_server.hpp"
#include "sidecar/doorbells.hpp"
#include "sidecar/event_log.hpp"
#include "sidecar/history_service.hpp"
#include "sidecar/index.hpp"
#include "sidecar/journal.hpp"
#include "sidecar/jsonl_files.hpp"
#include "sidecar/log.hpp"
#include "sidecar/loop.hpp"
#include "sidecar/projection_thread.hpp"
#include "sidecar/publisher.hpp"
#include "sidecar/question_desk.hpp"
#include "sidecar/redis_source.hpp"
#include "sidecar/state_directory.hpp"
#include "sidecar/trust_desk.hpp"
#include "sidecar/views/dashboard.hpp"
#include "sidecar/views/event_view_service.hpp"
#include "sidecar/views/view.hpp"

namespace herald::sidecar {

namespace {

constexpr uint64_t kPruneEveryMs = 10'000;
constexpr uint64_t kRememberedBytes = 256 << 20;  // of the journal, read at the start for `dedupe`

std::vector<std::string> globs_of(const Config& config) {
    std::vector<std::string> globs;
    for (const Feed& feed : config.feeds)
        globs.push_back(feed.channels.glob());
    return globs;
}

bool has_files(const Config& config) {
    return std::any_of(config.feeds.begin(), config.feeds.end(),
                       [](const Feed& feed) { return !feed.jsonl.empty(); });
}

bool has_dedupe(const Config& config) {
    return std::any_of(config.feeds.begin(), config.feeds.end(),
                       [](const Feed& feed) { return !feed.dedupe.empty(); });
}

// The seq behind which the next entry comes: also where the newest ones are not yet written, or
// will never be. On any thread.
uint64_t end_of(const Journal& journal) {
    return std::max(journal.last_seq(), journal.segments().last_seq());
}

// What is made of the journal, a thread each, and the journal's pruning behind the slowest of them.
class Projections {
  public:
    Projections(uv_loop_t* loop, const Config& config, Journal& journal)
        : journal_(journal),
          index_(config.state + "/index.db", config.feeds, [&journal] { return end_of(journal); }),
          history_(loop, index_, journal.segments()),
          files_(config.state, config.feeds, config.journal.fsync,
                 [&journal] { return end_of(journal); }),
          prune_(make_timer(loop, this)) {
        if (has_files(config))
            files_thread_.emplace(files_, journal.segments());
        if (!config.views.empty())
            views_.emplace(config.state, config.views, journal.segments(), journal.log(),
                           end_of(journal));
        uv_timer_start(
            prune_.get(), [](uv_timer_t* timer) noexcept { owner_of<Projections>(timer).prune(); },
            kPruneEveryMs, kPruneEveryMs);
    }

    HistoryService& history() { return history_; }
    void add_views(Views& views) {
        if (views_)
            views_->add_to(views);
    }

  private:
    void prune() noexcept {
        uint64_t applied = history_.committed_seq();
        if (files_thread_)
            applied = std::min(applied, files_thread_->committed_seq());
        if (views_)
            applied = std::min(applied, views_->kept_seq());
        journal_.prune(now_ms(), applied);
    }

    Journal& journal_;
    Index index_;
    HistoryService history_;
    JsonlFiles files_;
    std::optional<ProjectionThread> files_thread_{};
    std::optional<EventViewService> views_{};
    Handle<uv_timer_t> prune_;
};

}  // namespace

void run_sidecar(const Config& config) {
    log::start();
    StateDirectory state(config.state);
    Loop loop;
    {
        Journal journal(loop.get(), state, config.journal);
        Doorbells doorbells;
        EventLog events(loop.get(), config, journal, doorbells);
        Publisher publisher(loop.get(), config, events);
        events.rebuild(has_dedupe(config) ? kRememberedBytes : 0,
                       [&](const JournalEntry& entry) { publisher.remember(entry); });

        Projections projections(loop.get(), config, journal);
        ControlServer control(loop.get(), config.socket, config.allow,
                              {events.ring_fd(), events.ring_map_size()}, doorbells);
        Views views;
        projections.add_views(views);
        std::optional<Dashboard> dashboard;
        if (config.dashboard)
            dashboard.emplace(
                loop.get(), *config.dashboard, config.state,
                [](const char* name) { return std::getenv(name); }, views);
        QuestionDesk desk(control, projections.history(), publisher, views);
        control.serve(desk, QuestionLimits::for_messages(config.max_message));
        KeyStoreOptions key_options;
        key_options.directory = config.state + "/jwks";
        key_options.fetch = fetch_options();
        TrustDesk trust(loop.get(), control, config.state, std::move(key_options));
        control.serve(trust);
        publisher.on_revocation(
            [&trust](std::string_view message) { return trust.revoke(message); });
        RedisSource redis(loop.get(), config.redis, globs_of(config), publisher);

        log::info(log::Line("herald ready")
                      .with("socket", config.socket)
                      .with("log", log_name(journal.log()))
                      .with("ring", config.ring_size)
                      .with("max_message", config.max_message)
                      .with("feeds", config.feeds.size()));
        const int signal = loop.run_until_signal();
        log::info(log::Line("herald stops").with("signal", signal));
    }
    loop.close();
}

}  // namespace herald::sidecar

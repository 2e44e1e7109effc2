#include "sidecar/app.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "sidecar/control_server.hpp"
#include "sidecar/doorbells.hpp"
#include "sidecar/event_log.hpp"
#include "sidecar/journal.hpp"
#include "sidecar/log.hpp"
#include "sidecar/loop.hpp"
#include "sidecar/projections.hpp"
#include "sidecar/publisher.hpp"
#include "sidecar/question_desk.hpp"
#include "sidecar/redis_source.hpp"
#include "sidecar/state_directory.hpp"
#include "sidecar/trust_desk.hpp"
#include "sidecar/views/dashboard.hpp"
#include "sidecar/views/view.hpp"

namespace herald::sidecar {

namespace {

constexpr uint64_t kRememberedBytes = 256 << 20;  // of the journal, read at the start for `dedupe`

std::vector<std::string> globs_of(const Config& config) {
    std::vector<std::string> globs;
    for (const Feed& feed : config.feeds)
        globs.push_back(feed.channels.glob());
    return globs;
}

bool has_dedupe(const Config& config) {
    return std::any_of(config.feeds.begin(), config.feeds.end(),
                       [](const Feed& feed) { return !feed.dedupe.empty(); });
}

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

        Projections projections(loop.get(), config, journal, publisher);
        ControlServer control(loop.get(), config.socket, config.allow,
                              {events.ring_fd(), events.ring_map_size()}, doorbells);
        Views views;
        projections.add_to(views);
        std::optional<Dashboard> dashboard;
        if (config.dashboard)
            dashboard.emplace(
                loop.get(), *config.dashboard, config.state,
                [](const char* name) { return std::getenv(name); }, views);
        QuestionDesk desk(control, projections.history(), publisher, views, projections.pasts());
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

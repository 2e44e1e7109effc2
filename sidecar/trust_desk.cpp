// Nothing is queued here: a worker is asked after when its socket has room.
#include "sidecar/trust_desk.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace herald::sidecar {

namespace {

int64_t now_seconds() {
    using namespace std::chrono;
    return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

TrustDesk::TrustDesk(uv_loop_t* loop, ControlServer& server, const std::string& state,
                     KeyStoreOptions options)
    : loop_(loop),
      server_(server),
      keys_(loop, std::move(options),
            [this](const std::string& source) { on_keys_changed(source); }),
      revocations_(loop, state + "/revocations", [this] { server_.tell_news(); }) {
    if (revocations_.size() != 0)
        log::info(log::Line("revocations in force").with("count", revocations_.size()));
}

bool TrustDesk::revoke(std::string_view message) {
    std::string why;
    auto revocation = read_revocation(message, now_seconds(), why);
    if (revocation && revocations_.add(std::move(*revocation)))
        return true;
    if (revocation)
        why = "there are " + std::to_string(revocations_.size()) + " already, which is the most";
    log::Line line("revocation refused");
    line.with("channel", kRevokeChannel).with("reason", why);
    if (refusals_.admits(uv_now(loop_), line))
        log::error(line);
    return false;
}

void TrustDesk::on_watch(PeerId peer, std::vector<std::string> sources) {
    std::sort(sources.begin(), sources.end());
    sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
    Worker& worker = workers_[peer];
    std::erase_if(sources, [this](const std::string& source) { return !keys_.watch(source); });
    for (const std::string& source : worker.sources)
        keys_.unwatch(source);
    worker.sources = std::move(sources);
    worker.stale = {worker.sources.begin(), worker.sources.end()};
    server_.tell_news();
}

// Only what the worker watches, so that none can have others' sources fetched.
void TrustDesk::on_refetch(PeerId peer, std::string_view source) {
    const std::vector<std::string>& sources = workers_[peer].sources;
    if (std::binary_search(sources.begin(), sources.end(), source, std::less<>{}))
        keys_.refetch(source);
}

bool TrustDesk::next_news(PeerId peer, std::string& message) {
    Worker& worker = workers_[peer];
    if (revocations_.next(worker.cursor, message))
        return true;
    while (!worker.stale.empty()) {
        const std::string source = std::move(worker.stale.extract(worker.stale.begin()).value());
        if (const std::string* keys = keys_.keys_of(source)) {
            message = ring::trust::encode_keys(source, *keys);
            return true;
        }
    }
    return false;
}

void TrustDesk::on_gone(PeerId peer) noexcept {
    const auto found = workers_.find(peer);
    if (found == workers_.end())
        return;
    for (const std::string& source : found->second.sources)
        keys_.unwatch(source);
    workers_.erase(found);
}

void TrustDesk::on_keys_changed(const std::string& source) {
    for (auto& [peer, worker] : workers_) {
        if (std::binary_search(worker.sources.begin(), worker.sources.end(), source))
            worker.stale.insert(source);
    }
    server_.tell_news();
}

}  // namespace herald::sidecar

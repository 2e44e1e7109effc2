// The key sets that workers want, by their sources: `file:/abs/path` and `url:https://...`.
//
// A source is looked after for as long as a worker watches it, and for a while longer, so that
// nginx can be restarted. The last good set stays through every failure; those of URLs are kept in
// the state directory, too (docs/formats.md), so that they outlast a restart during an outage.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/curl_loop.hpp"
#include "sidecar/file_keys.hpp"
#include "sidecar/https_keys.hpp"

namespace herald::sidecar {

struct KeyStoreOptions {
    std::string directory{};  // of the sets of URLs; made where it is missing
    FetchOptions fetch{};
    FetchTimes fetch_times{};
    WatchTimes watch_times{};
    uint64_t forget_ms = 3600'000;  // after the last watcher has left
    size_t max_sources = 256;
};

class KeyStore {
  public:
    using Changed = std::function<void(const std::string& source)>;

    // `changed` is called on the loop when a source has another set, never from within `watch`.
    KeyStore(uv_loop_t* loop, KeyStoreOptions options, Changed changed);
    ~KeyStore();
    KeyStore(const KeyStore&) = delete;
    KeyStore& operator=(const KeyStore&) = delete;

    // One more who wants a source's keys, and one less. A source that cannot be served is told in
    // the log and has no keys. False where there is no room for another source.
    bool watch(const std::string& source);
    void unwatch(const std::string& source) noexcept;

    // A key is missing in a source's set.
    void refetch(std::string_view source) noexcept;

    // The JWK set of a source; nullptr where there is none so far. Lives until the loop's next
    // turn.
    const std::string* keys_of(const std::string& source) const;

    size_t source_count() const { return entries_.size(); }

  private:
    class Entry;
    void make_room() noexcept;

    uv_loop_t* loop_;
    KeyStoreOptions options_;
    Changed changed_;
    CurlLoop curl_;
    std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_;
};

}  // namespace herald::sidecar

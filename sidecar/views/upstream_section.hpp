// A section of the dashboard whose data come from an upstream: asked for when somebody wants them,
// and then served from memory for as long as they are fresh.
//
// Stale data are served as they are while they are asked for anew, once at a time. Nobody waits but
// those who come first, at the start and after a flush, and everybody where nothing is to be kept
// (a time to live of 0). An upstream that fails changes nothing of what is known.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sidecar/http_fetch.hpp"
#include "sidecar/views/upstream_answer.hpp"
#include "sidecar/views/upstream_buckets.hpp"
#include "sidecar/views/upstream_headers.hpp"

namespace herald::sidecar {

struct CacheLimits {
    uint64_t ttl_ms = 30'000;  // 0: nothing is kept
    size_t max_records = 5000;
    size_t max_projects = 50;
};

struct UpstreamOptions {
    std::string url{};  // empty: there is no upstream
    UpstreamHeaders headers{};
    FetchOptions fetch{};
    uint64_t retry_pause_ms = 1000;  // behind a failure, however often the section is asked for
};

class UpstreamSection {
  public:
    using Ready = std::function<void()>;

    // The references outlive the object, `kind` too.
    UpstreamSection(uv_loop_t* loop, CurlLoop& curl, const UpstreamKind& kind,
                    UpstreamOptions options, CacheLimits limits);

    // Calls `ready` once, on the loop, when there is something to show: at once where something is
    // known or was not to be had, else when the upstream has answered or failed. Not after the end
    // of the section.
    void ask(Ready ready);

    // The same for one project, which has been used by that: where it is the upstream's, but not
    // kept, it waits for the upstream to say it again.
    void ask_project(const std::string& project, Ready ready);

    // Forgets everything. Who waits goes on waiting, for what is asked for from here on.
    void flush();

    const UpstreamKind& kind() const { return kind_; }

    // JSON objects: all sums; one project's. Zeros where nothing is known.
    const std::string& totals() const { return totals_; }
    UpstreamBuckets& buckets() { return buckets_; }
    const UpstreamBuckets& buckets() const { return buckets_; }

    // ISO 8601; empty: never, or not since the last flush.
    const std::string& last_refresh() const { return last_refresh_; }

  private:
    bool is_fresh() const;
    bool may_try() const;
    void refresh();
    void fetch(const UpstreamHeaders::Lines& lines);
    void read(std::string body);
    void take(UpstreamAnswer answer);
    void fail(const std::string& reason);
    void end_run();

    uv_loop_t* loop_;
    CurlLoop& curl_;
    const UpstreamKind& kind_;
    UpstreamOptions options_;
    CacheLimits limits_;
    std::string shown_;  // the URL, for the log

    std::string totals_;
    UpstreamBuckets buckets_;
    std::string last_refresh_{};
    bool known_ = false;            // the upstream has answered since the last flush
    uint64_t taken_ms_ = 0;         // of loop time, where it has
    bool failing_ = false;          // the last try came to nothing
    uint64_t failed_ms_ = 0;        // of loop time, where it did
    std::set<std::string> told_{};  // failures of this outage

    std::shared_ptr<void> run_{};  // the refresh under way: its jobs hold it weakly
    std::unique_ptr<HttpFetch> fetch_{};
    std::vector<Ready> waiting_{};
};

}  // namespace herald::sidecar

// A refresh is a run of three steps: the secrets are read, the upstream is asked, its answer is
// read. Reading is done on threads. A run that is given up is forgotten by its token: no step of it
// comes back.
#include "sidecar/views/upstream_section.hpp"

#include <optional>
#include <stdexcept>

#include "ring/timestamp.hpp"
#include "sidecar/background.hpp"
#include "sidecar/event_log.hpp"
#include "sidecar/log.hpp"
#include "sidecar/wall_clock.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kMaxTold = 16;

}  // namespace

UpstreamSection::UpstreamSection(uv_loop_t* loop, CurlLoop& curl, const UpstreamKind& kind,
                                 UpstreamOptions options, CacheLimits limits)
    : loop_(loop),
      curl_(curl),
      kind_(kind),
      options_(std::move(options)),
      limits_(limits),
      shown_(url_for_log(options_.url)),
      totals_(kind.no_totals),
      buckets_(limits.max_projects) {}

bool UpstreamSection::is_fresh() const {
    return known_ && limits_.ttl_ms != 0 && uv_now(loop_) - taken_ms_ < limits_.ttl_ms;
}

bool UpstreamSection::may_try() const {
    return !failing_ || uv_now(loop_) - failed_ms_ >= options_.retry_pause_ms;
}

void UpstreamSection::ask(Ready ready) {
    if (options_.url.empty() || is_fresh())
        return ready();
    const bool shows_what_there_is = (known_ || failing_) && limits_.ttl_ms != 0;
    if (!run_ && may_try())
        refresh();
    if (!run_ || shows_what_there_is)
        return ready();
    waiting_.push_back(std::move(ready));
}

void UpstreamSection::ask_project(const std::string& project, Ready ready) {
    if (buckets_.use(project) != nullptr || !buckets_.was_evicted(project))
        return ask(std::move(ready));
    if (!run_ && may_try())
        refresh();
    if (!run_)
        return ready();
    waiting_.push_back(std::move(ready));
}

void UpstreamSection::flush() {
    totals_ = kind_.no_totals;
    buckets_.clear();
    last_refresh_.clear();
    known_ = false;
    failing_ = false;
    run_.reset();
    fetch_.reset();
    if (!waiting_.empty())
        refresh();
}

void UpstreamSection::refresh() {
    run_ = std::make_shared<char>();
    auto lines = std::make_shared<UpstreamHeaders::Lines>();
    lines->error = "out of memory";
    try {
        run_in_background(
            loop_, run_, [lines, headers = options_.headers] { *lines = headers.read(); },
            [this, lines] { fetch(*lines); });
    } catch (const std::exception& error) {
        fail(error.what());
    }
}

void UpstreamSection::fetch(const UpstreamHeaders::Lines& lines) {
    if (!lines.error.empty())
        return fail(lines.error);
    try {
        fetch_ = std::make_unique<HttpFetch>(
            curl_, HttpRequest{.url = options_.url, .headers = lines.lines}, options_.fetch,
            [this](HttpFetch::Result result) {
                fetch_.reset();
                if (!result.error.empty())
                    fail(result.error);
                else
                    read(std::move(result.body));
            });
    } catch (const std::exception& error) {
        fail(error.what());
    }
}

void UpstreamSection::read(std::string body) {
    struct Reading {
        std::string error = "out of memory";
        std::optional<UpstreamAnswer> answer{};
    };
    auto reading = std::make_shared<Reading>();
    try {
        run_in_background(
            loop_, run_,
            [reading, body = std::move(body), read = kind_.read, most = limits_.max_records] {
                try {
                    reading->answer = read(body, most);
                } catch (const std::runtime_error& error) {
                    reading->error = error.what();
                }
            },
            [this, reading] {
                try {
                    if (reading->answer)
                        take(std::move(*reading->answer));
                    else
                        fail(reading->error);
                } catch (const std::bad_alloc&) {
                    end_run();
                }
            });
    } catch (const std::exception& error) {
        fail(error.what());
    }
}

void UpstreamSection::take(UpstreamAnswer answer) {
    totals_ = std::move(answer.totals);
    buckets_.replace(std::move(answer.projects));
    last_refresh_.clear();
    ring::append_time(last_refresh_, wall_clock_ms());
    known_ = true;
    failing_ = false;
    taken_ms_ = uv_now(loop_);
    if (!told_.empty()) {
        told_.clear();
        log::info(log::Line("dashboard section is well again")
                      .with("section", kind_.name)
                      .with("source", shown_));
    }
    end_run();
}

// Each reason once per outage.
void UpstreamSection::fail(const std::string& reason) {
    failing_ = true;
    failed_ms_ = uv_now(loop_);
    if (told_.size() < kMaxTold && told_.insert(reason).second)
        log::error(log::Line("dashboard section not to be had")
                       .with("section", kind_.name)
                       .with("source", shown_)
                       .with("reason", reason)
                       .with("shown", known_ ? "the last good data" : "zeros"));
    end_run();
}

// Whoever is called may ask again.
void UpstreamSection::end_run() {
    run_.reset();
    for (const Ready& ready : std::exchange(waiting_, {}))
        ready();
}

}  // namespace herald::sidecar

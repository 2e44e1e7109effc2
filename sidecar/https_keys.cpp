// One timer: for the next refresh, the next try, or what somebody waits for, whichever is first.
#include "sidecar/https_keys.hpp"

#include <algorithm>
#include <utility>

namespace herald::sidecar {

uint64_t fetch_delay_ms(const FetchTimes& times, uint32_t failures, uint32_t random) {
    if (failures == 0)
        return times.refresh_ms - random % (times.refresh_ms / 10 + 1);
    const uint32_t doublings = std::min(failures - 1, 20u);
    const uint64_t base = std::min(times.longest_retry_ms, times.first_retry_ms << doublings);
    return base + random % (base / 4 + 1);
}

HttpsKeys::HttpsKeys(uv_loop_t* loop, CurlLoop& curl, std::string url, FetchOptions options,
                     FetchTimes times, KeyTaker& taker)
    : loop_(loop),
      curl_(curl),
      url_(std::move(url)),
      options_(std::move(options)),
      times_(times),
      taker_(taker),
      timer_(make_timer(loop, this)) {
    schedule(0);
}

void HttpsKeys::schedule(uint64_t delay_ms) noexcept {
    uv_timer_start(
        timer_.get(), [](uv_timer_t* timer) noexcept { owner_of<HttpsKeys>(timer).fetch(); },
        delay_ms, 0);
}

void HttpsKeys::fetch() noexcept {
    wanted_ = false;
    begun_ms_ = uv_now(loop_);
    try {
        fetch_ = std::make_unique<HttpsFetch>(
            curl_, url_, options_,
            [this](const HttpsFetch::Result& result) { on_fetched(result); });
    } catch (const std::exception& error) {
        fail(error.what());
    }
}

void HttpsKeys::on_fetched(const HttpsFetch::Result& result) {
    fetch_.reset();
    schedule(times_.longest_retry_ms);  // should memory run out below
    if (!result.error.empty())
        return fail(result.error);
    const bool good = taker_.on_bytes(result.body);
    failures_ = good ? 0 : failures_ + 1;
    schedule(fetch_delay_ms(times_, failures_, static_cast<uint32_t>(random_())));
    if (wanted_)
        refetch();
}

void HttpsKeys::fail(std::string_view reason) noexcept {
    ++failures_;
    schedule(fetch_delay_ms(times_, failures_, static_cast<uint32_t>(random_())));
    try {
        taker_.on_failure(reason);
    } catch (const std::exception&) {
        // Out of memory: it is tried again all the same.
    }
}

void HttpsKeys::refetch() noexcept {
    if (fetch_) {
        wanted_ = true;
        return;
    }
    const uint64_t now = uv_now(loop_);
    const uint64_t earliest = std::max(now, begun_ms_ + times_.refetch_ms);
    if (earliest - now < uv_timer_get_due_in(timer_.get()))
        schedule(earliest - now);
}

}  // namespace herald::sidecar

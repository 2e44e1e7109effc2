// A key set behind a URL: fetched at the start, every ten minutes, and soon after somebody has
// missed a key in it; after a failure with growing pauses.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <string>

#include "sidecar/https_fetch.hpp"
#include "sidecar/key_source.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

struct FetchTimes {
    uint64_t refresh_ms = 600'000;   // less up to a tenth
    uint64_t refetch_ms = 30'000;    // between two fetches for a missing key
    uint64_t first_retry_ms = 1000;  // doubling, and up to a quarter more
    uint64_t longest_retry_ms = 60'000;
};

// Milliseconds before the next fetch. `failures`: in a row so far; 0 after a success. `random`: any
// number, uniformly distributed.
uint64_t fetch_delay_ms(const FetchTimes& times, uint32_t failures, uint32_t random);

class HttpsKeys final : public KeySource {
  public:
    // `url` is one that fault_of_url finds fine. The references outlive the object.
    HttpsKeys(uv_loop_t* loop, CurlLoop& curl, std::string url, FetchOptions options,
              FetchTimes times, KeyTaker& taker);

    void refetch() noexcept override;

    bool is_fetching() const { return fetch_ != nullptr; }
    uint64_t due_in_ms() const { return uv_timer_get_due_in(timer_.get()); }

  private:
    void fetch() noexcept;
    void on_fetched(const HttpsFetch::Result& result);
    void fail(std::string_view reason) noexcept;
    void schedule(uint64_t delay_ms) noexcept;

    uv_loop_t* loop_;
    CurlLoop& curl_;
    std::string url_;
    FetchOptions options_;
    FetchTimes times_;
    KeyTaker& taker_;
    Handle<uv_timer_t> timer_;
    std::unique_ptr<HttpsFetch> fetch_{};  // under way
    bool wanted_ = false;                  // a key was missed since the last fetch has begun
    uint64_t begun_ms_ = 0;                // of loop time: the last fetch
    uint32_t failures_ = 0;
    std::minstd_rand random_{std::random_device{}()};
};

}  // namespace herald::sidecar

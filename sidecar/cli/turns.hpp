// Waiting, for a client that is written as straight-line code: libcurl's transfers go on while it
// waits, and a signal or the time limit ends every wait.
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "sidecar/cli/interrupt.hpp"

namespace herald::cli {

using CurlEasy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

class Turns {
  public:
    // `tick` is called about twice a second; may be empty. `limit_ms`: from now on.
    Turns(const Interrupt& interrupt, std::function<void()> tick, std::optional<uint64_t> limit_ms);
    ~Turns();
    Turns(const Turns&) = delete;
    Turns& operator=(const Turns&) = delete;

    // All three return false once it is over: a signal came, or the time is up.
    //
    // Lets transfers go on, then waits until something can be done for one of them, or `socket`
    // (-1: none) is ready for `events` (CURL_WAIT_POLL...), or `until_ms` on the clock of now_ms().
    bool turn(std::optional<uint64_t> until_ms, curl_socket_t socket = -1, short events = 0);
    bool wait(uint64_t ms);
    bool going() const;

    // How the transfer has ended; nothing while it is under way.
    std::optional<CURLcode> result() const { return result_; }

    uint64_t now_ms() const;

  private:
    friend class Transfer;

    const Interrupt& interrupt_;
    std::function<void()> tick_;
    std::optional<uint64_t> end_ms_{};
    uint64_t ticked_ms_ = 0;
    CURLM* multi_;
    std::optional<CURLcode> result_{};
};

// Lets a transfer take part in the turns, from its start to its end. One at a time.
class Transfer {
  public:
    Transfer(Turns& turns, CURL* easy);
    ~Transfer();
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

  private:
    Turns& turns_;
    CURL* easy_;
};

}  // namespace herald::cli

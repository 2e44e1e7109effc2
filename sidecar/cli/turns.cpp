#include "sidecar/cli/turns.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace herald::cli {

namespace {

constexpr uint64_t kTickMs = 500;

}  // namespace

Turns::Turns(const Interrupt& interrupt, std::function<void()> tick,
             std::optional<uint64_t> limit_ms)
    : interrupt_(interrupt), tick_(std::move(tick)) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        throw std::runtime_error("libcurl cannot be used");
    multi_ = curl_multi_init();
    if (multi_ == nullptr)
        throw std::bad_alloc();
    if (limit_ms)
        end_ms_ = now_ms() + *limit_ms;
}

Turns::~Turns() {
    curl_multi_cleanup(multi_);
    curl_global_cleanup();
}

uint64_t Turns::now_ms() const {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

bool Turns::going() const {
    return interrupt_.signal() == 0 && (!end_ms_ || now_ms() < *end_ms_);
}

bool Turns::turn(std::optional<uint64_t> until_ms, curl_socket_t socket, short events) {
    int running = 0;
    CURLMcode code = curl_multi_perform(multi_, &running);

    // What ended is asked for before the next wait, not after it.
    int done = 0;
    if (CURLMsg* message = curl_multi_info_read(multi_, &done); message != nullptr) {
        result_ = message->data.result;
        return going();
    }

    const uint64_t now = now_ms();
    uint64_t next = ticked_ms_ + kTickMs;
    if (until_ms)
        next = std::min(next, *until_ms);
    if (end_ms_)
        next = std::min(next, *end_ms_);
    curl_waitfd more[2] = {{interrupt_.fd(), CURL_WAIT_POLLIN, 0}, {socket, events, 0}};
    if (code == CURLM_OK && going())
        code = curl_multi_poll(multi_, more, socket < 0 ? 1 : 2,
                               next > now ? static_cast<int>(next - now) : 0, nullptr);
    if (code != CURLM_OK)
        throw std::runtime_error(std::string("libcurl: ") + curl_multi_strerror(code));

    if (now_ms() >= ticked_ms_ + kTickMs) {
        ticked_ms_ = now_ms();
        if (tick_)
            tick_();
    }
    return going();
}

bool Turns::wait(uint64_t ms) {
    const uint64_t until = now_ms() + ms;
    while (going() && now_ms() < until)
        turn(until);
    return going();
}

Transfer::Transfer(Turns& turns, CURL* easy) : turns_(turns), easy_(easy) {
    turns_.result_.reset();
    if (curl_multi_add_handle(turns_.multi_, easy_) != CURLM_OK)
        throw std::runtime_error("libcurl takes no more transfers");
}

Transfer::~Transfer() {
    curl_multi_remove_handle(turns_.multi_, easy_);
}

}  // namespace herald::cli

// The multi interface with callbacks, as libcurl describes it: it says which sockets to watch and
// when to wake it, and is told what has happened.
#include "sidecar/curl_loop.hpp"

#include <memory>
#include <stdexcept>

namespace herald::sidecar {

struct CurlLoop::Socket {
    CurlLoop* owner = nullptr;
    curl_socket_t fd = CURL_SOCKET_BAD;
    Handle<uv_poll_t> poll{};
};

CurlLoop::CurlLoop(uv_loop_t* loop, long connections)
    : loop_(loop), timer_(make_timer(loop, this)) {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_ = started == CURLE_OK ? curl_multi_init() : nullptr;
    if (multi_ == nullptr)
        throw std::runtime_error("libcurl cannot begin");
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, connections);
}

// Connections that are kept end here, and their sockets with them.
CurlLoop::~CurlLoop() {
    curl_multi_cleanup(multi_);
}

void CurlLoop::add(CURL* easy, Transfer& transfer) {
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
    if (curl_multi_add_handle(multi_, easy) != CURLM_OK)
        throw std::runtime_error("libcurl refuses a transfer");
}

void CurlLoop::remove(CURL* easy) noexcept {
    curl_multi_remove_handle(multi_, easy);
}

int CurlLoop::on_socket(CURL*, curl_socket_t fd, int what, void* self, void* socket) noexcept {
    auto& loop = *static_cast<CurlLoop*>(self);
    auto* entry = static_cast<Socket*>(socket);
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(loop.multi_, fd, nullptr);
        delete entry;
        return 0;
    }
    if (entry == nullptr) {
        try {
            auto fresh = std::make_unique<Socket>();
            fresh->owner = &loop;
            fresh->fd = fd;
            fresh->poll = make_handle<uv_poll_t>(
                fresh.get(), "poll a transfer",
                [&](uv_poll_t* poll) { return uv_poll_init_socket(loop.loop_, poll, fd); });
            entry = fresh.release();
        } catch (const std::exception&) {
            return -1;  // libcurl ends its transfers
        }
        curl_multi_assign(loop.multi_, fd, entry);
    }
    const int events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
                       ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
    uv_poll_start(entry->poll.get(), events, [](uv_poll_t* poll, int status, int ready) noexcept {
        const Socket& mine = owner_of<Socket>(poll);
        const int happened = status < 0 ? CURL_CSELECT_ERR
                                        : ((ready & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
                                              ((ready & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0);
        mine.owner->act(mine.fd, happened);
    });
    return 0;
}

// libcurl must not be called from within: also a time-out of 0 waits for the loop's next turn.
int CurlLoop::on_timeout(CURLM*, long ms, void* self) noexcept {
    auto& loop = *static_cast<CurlLoop*>(self);
    if (ms < 0) {
        uv_timer_stop(loop.timer_.get());
        return 0;
    }
    uv_timer_start(
        loop.timer_.get(),
        [](uv_timer_t* timer) noexcept { owner_of<CurlLoop>(timer).act(CURL_SOCKET_TIMEOUT, 0); },
        static_cast<uint64_t>(ms), 0);
    return 0;
}

void CurlLoop::act(curl_socket_t fd, int events) noexcept {
    int running = 0;
    curl_multi_socket_action(multi_, fd, events, &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE)
            continue;
        const CURLcode result = message->data.result;
        Transfer* transfer = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        transfer->on_done(result);
    }
}

}  // namespace herald::sidecar

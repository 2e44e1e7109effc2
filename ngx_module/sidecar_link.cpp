#include "sidecar_link.hpp"

#include <sys/un.h>

#include <algorithm>

#include "ring/control.hpp"

namespace herald {

namespace control = ring::control;

namespace {

constexpr ngx_msec_t kFirstDelay = 50;  // milliseconds, growing to kLongestDelay
constexpr ngx_msec_t kLongestDelay = 1000;

void close_all(int* fds, int count) {
    for (int i = 0; i < count; ++i)
        close(fds[i]);
}

}  // namespace

SidecarLink::SidecarLink(ngx_log_t* log, ngx_str_t path, Events events)
    : log_(log), path_(path), events_(std::move(events)) {
    timer_.handler = on_timer;
    timer_.data = this;
    timer_.log = log;
    timer_.cancelable = 1;  // a worker without streams may leave without the sidecar
}

SidecarLink::~SidecarLink() {
    attached_ = false;  // nobody is to hear of it any more
    disconnect();
    if (timer_.timer_set)
        ngx_del_timer(&timer_);
}

void SidecarLink::on_timer(ngx_event_t* event) noexcept {
    auto* link = static_cast<SidecarLink*>(event->data);
    guard(link->log_, [&] { link->connect(); });
}

void SidecarLink::connect() {
    if (!try_connect())
        retry_later();
}

bool SidecarLink::try_connect() {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        ngx_log_error(NGX_LOG_ERR, log_, ngx_errno, "herald: socket() failed");
        return false;
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy_n(path_.data, std::min(path_.len, sizeof address.sun_path - 1), address.sun_path);

    // A Unix socket connects at once or not at all (EAGAIN: the sidecar's backlog is full).
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        if (!complained_)
            ngx_log_error(NGX_LOG_ERR, log_, ngx_errno, "herald: no sidecar at \"unix:%V\"",
                          &path_);
        complained_ = true;
        close(fd);
        return false;
    }

    connection_ = watch(fd, on_read);
    if (connection_ == nullptr)
        return false;
    const std::string hello =
        control::frame(control::Type::Hello, control::Hello{static_cast<uint32_t>(ngx_pid), 0});
    if (send(fd, hello.data(), hello.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(hello.size())) {
        ngx_log_error(NGX_LOG_ERR, log_, ngx_errno, "herald: send() to the sidecar failed");
        disconnect();
        return false;
    }
    return true;
}

void SidecarLink::retry_later() {
    delay_ = std::min(kLongestDelay, delay_ == 0 ? kFirstDelay : 2 * delay_);
    const auto jitter = static_cast<ngx_msec_t>(ngx_random()) % (delay_ / 4 + 1);
    ngx_add_timer(&timer_, delay_ + jitter);
}

// An nginx connection around a descriptor, edge-triggered where the event method can; takes the
// descriptor over.
ngx_connection_t* SidecarLink::watch(int fd, ngx_event_handler_pt handler) {
    ngx_connection_t* connection = ngx_get_connection(fd, log_);
    if (connection == nullptr) {
        close(fd);
        return nullptr;
    }
    connection->data = this;
    connection->log = log_;
    connection->read->handler = handler;
    connection->read->log = log_;
    connection->write->log = log_;
    if (ngx_handle_read_event(connection->read, 0) != NGX_OK) {
        ngx_close_connection(connection);
        return nullptr;
    }
    return connection;
}

void SidecarLink::on_read(ngx_event_t* event) noexcept {
    auto* connection = static_cast<ngx_connection_t*>(event->data);
    auto* link = static_cast<SidecarLink*>(connection->data);
    guard(link->log_, [&] { link->read(); });
}

void SidecarLink::on_doorbell(ngx_event_t* event) noexcept {
    auto* connection = static_cast<ngx_connection_t*>(event->data);
    auto* link = static_cast<SidecarLink*>(connection->data);
    guard(link->log_, [&] {
        // Edge-triggered, a further ring is a further edge, and the count need not be read.
        if (!(ngx_event_flags & NGX_USE_CLEAR_EVENT)) {
            uint64_t count;
            (void)!::read(connection->fd, &count, sizeof count);
        }
        link->events_.doorbell();
    });
}

void SidecarLink::read() {
    for (;;) {
        char bytes[4096];
        int fds[control::kMaxDescriptors];
        int count = 0;
        const ssize_t size =
            control::receive_with_descriptors(connection_->fd, bytes, sizeof bytes, fds, count);
        if (size < 0 && ngx_errno == NGX_EINTR)
            continue;
        if (size < 0 && ngx_errno == NGX_EAGAIN) {
            if (ngx_handle_read_event(connection_->read, 0) != NGX_OK)
                break;
            return;
        }
        if (size <= 0)
            break;
        received_.append(bytes, static_cast<size_t>(size));
        if (!take_frames(fds, count))
            break;
    }
    disconnect();
    retry_later();
}

// Takes the frames that are there; false: nothing that this sidecar says is worth hearing.
bool SidecarLink::take_frames(int* fds, int count) {
    for (;;) {
        control::FrameHeader header;
        std::string_view payload;
        const control::Parse parsed = control::parse(received_, header, payload);
        if (parsed == control::Parse::NeedMore) {
            close_all(fds, count);
            return true;
        }
        if (parsed == control::Parse::BadVersion) {
            ngx_log_error(NGX_LOG_ERR, log_, 0,
                          "herald: the sidecar speaks control version %ud, this module %ud",
                          static_cast<unsigned>(header.version),
                          static_cast<unsigned>(control::kVersion));
        } else if (parsed != control::Parse::Frame) {
            ngx_log_error(NGX_LOG_ERR, log_, 0, "herald: garbage on the control socket");
        } else if (header.type == control::Type::Attach && !attached_) {
            attach(payload, fds, count);
            count = 0;
        } else if (header.type == control::Type::Refused) {
            ngx_str_t reason = as_ngx_str(payload.substr(0, 200));
            if (!complained_)
                ngx_log_error(NGX_LOG_ERR, log_, 0, "herald: the sidecar refuses: \"%V\"", &reason);
            complained_ = true;
            close_all(fds, count);
            return false;
        }
        if (parsed != control::Parse::Frame || !attached_) {
            close_all(fds, count);
            return false;
        }
        received_.erase(0, sizeof header + payload.size());
    }
}

void SidecarLink::attach(std::string_view payload, int* fds, int count) {
    control::Attach attach;
    if (count != 2 || !control::decode(payload, attach)) {
        close_all(fds, count);
        ngx_log_error(NGX_LOG_ERR, log_, 0, "herald: the sidecar sent a malformed attach frame");
        return;
    }

    std::unique_ptr<AttachedRing> ring;
    try {
        ring = std::make_unique<AttachedRing>(fds[0], attach.map_size);
    } catch (const std::exception& error) {
        if (!complained_)
            ngx_log_error(NGX_LOG_ERR, log_, 0, "herald: ring refused: %s", error.what());
        complained_ = true;
    }
    close(fds[0]);
    if (!ring) {
        close(fds[1]);
        return;
    }
    ngx_nonblocking(fds[1]);
    doorbell_ = watch(fds[1], on_doorbell);
    if (doorbell_ == nullptr)
        return;

    attached_ = true;
    complained_ = false;
    delay_ = 0;
    events_.attached(std::move(ring));
}

void SidecarLink::disconnect() {
    const bool was_attached = std::exchange(attached_, false);
    received_.clear();
    if (connection_ != nullptr)
        ngx_close_connection(std::exchange(connection_, nullptr));
    if (doorbell_ != nullptr)
        ngx_close_connection(std::exchange(doorbell_, nullptr));
    if (was_attached)
        events_.lost();
}

}  // namespace herald

#include "sidecar_link.hpp"

#include <sys/un.h>

#include <algorithm>
#include <cstring>

namespace herald {

namespace control = ring::control;

namespace {

constexpr ngx_msec_t kFirstDelay = 50;  // milliseconds, growing to kLongestDelay
constexpr ngx_msec_t kLongestDelay = 1000;

// Room for some frames of full length; at least one.
constexpr size_t kInputSize = 256 * 1024;
static_assert(kInputSize >= sizeof(control::FrameHeader) + control::kMaxPayload);
// Bytes that one turn reads before nginx's loop gets its turn again.
constexpr size_t kReadBudget = 1 << 20;

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
        if (complaint_ != Complaint::Absent)
            ngx_log_error(NGX_LOG_ERR, log_, ngx_errno, "herald: no sidecar at \"unix:%V\"",
                          &path_);
        complaint_ = Complaint::Absent;
        close(fd);
        return false;
    }

    if (!input_)
        input_ = std::make_unique_for_overwrite<char[]>(kInputSize);
    connection_ = watch(fd, on_read);
    if (connection_ == nullptr)
        return false;
    connection_->write->handler = on_write;
    const std::string hello =
        control::frame(control::Type::Hello, control::Hello{static_cast<uint32_t>(ngx_pid), 0});
    if (::send(fd, hello.data(), hello.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(hello.size())) {
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
    const bool done = guard(link->log_, false, [&] {
        link->read();
        return true;
    });
    if (done)
        return;
    // Out of memory in the middle of what came: start anew.
    guard(link->log_, [&] {
        link->retry_later();
        link->disconnect();
    });
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

void SidecarLink::on_write(ngx_event_t* event) noexcept {
    auto* connection = static_cast<ngx_connection_t*>(event->data);
    auto* link = static_cast<SidecarLink*>(connection->data);
    guard(link->log_, [&] { link->flush(); });
}

// -- in

void SidecarLink::read() {
    size_t budget = kReadBudget;
    while (!broken_) {
        int fds[control::kMaxDescriptors];
        int count = 0;
        const ssize_t size = receive(fds, count);
        if (size < 0 && ngx_errno == NGX_EINTR)
            continue;
        if (size < 0 && ngx_errno == NGX_EAGAIN) {
            connection_->read->ready = 0;  // else a level-triggered method would stop reporting
            if (ngx_handle_read_event(connection_->read, 0) != NGX_OK)
                break;
            return;
        }
        if (size <= 0 || !take_frames(fds, count))
            break;
        if (static_cast<size_t>(size) >= budget) {
            ngx_post_event(connection_->read, &ngx_posted_next_events);
            return;
        }
        budget -= static_cast<size_t>(size);
    }
    disconnect();
    retry_later();
}

// Reads behind the beginning of a frame that is not whole yet, which moves to the front where the
// room behind it runs out.
ssize_t SidecarLink::receive(int* fds, int& count) {
    if (taken_ == received_) {
        taken_ = received_ = 0;
    } else if (received_ > kInputSize / 2) {
        std::memmove(input_.get(), input_.get() + taken_, received_ - taken_);
        received_ -= std::exchange(taken_, 0);
    }
    const ssize_t size = control::receive_with_descriptors(
        connection_->fd, input_.get() + received_, kInputSize - received_, fds, count);
    if (size > 0)
        received_ += static_cast<size_t>(size);
    return size;
}

// Takes the frames that are there; false: nothing that this sidecar says is worth hearing. Closes
// the descriptors that no frame claims.
bool SidecarLink::take_frames(int* fds, int count) {
    for (;;) {
        control::FrameHeader header;
        std::string_view payload;
        const control::Parse parsed =
            control::parse({input_.get() + taken_, received_ - taken_}, header, payload);
        if (parsed == control::Parse::NeedMore) {
            close_all(fds, count);
            return true;
        }
        if (parsed != control::Parse::Frame) {
            complain_of_frame(parsed, header);
            close_all(fds, count);
            return false;
        }
        taken_ += sizeof header + payload.size();
        if (!take_frame(header, payload, fds, count)) {
            close_all(fds, count);
            return false;
        }
    }
}

// One frame; sets `count` to 0 where it has taken the descriptors over.
bool SidecarLink::take_frame(const control::FrameHeader& header, std::string_view payload, int* fds,
                             int& count) {
    if (header.type == control::Type::Refused) {
        complain_of_refusal(payload);
        return false;
    }
    if (header.type == control::Type::Attach && !attached_) {
        attach(payload, fds, std::exchange(count, 0));
        return attached_;
    }
    if (header.type == control::Type::Answer && attached_ && events_.answer(payload))
        return true;
    if (header.type == control::Type::News && attached_ && events_.news(payload))
        return true;
    ngx_log_error(NGX_LOG_ERR, log_, 0, "herald: the sidecar sent a senseless frame of type %ud",
                  static_cast<unsigned>(header.type));
    return false;
}

void SidecarLink::complain_of_frame(control::Parse parsed, const control::FrameHeader& header) {
    if (parsed == control::Parse::BadVersion) {
        ngx_log_error(
            NGX_LOG_ERR, log_, 0, "herald: the sidecar speaks control version %ud, this module %ud",
            static_cast<unsigned>(header.version), static_cast<unsigned>(control::kVersion));
        return;
    }
    ngx_log_error(NGX_LOG_ERR, log_, 0, "herald: garbage on the control socket");
}

void SidecarLink::complain_of_refusal(std::string_view reason) {
    ngx_str_t text = as_ngx_str(reason.substr(0, 200));
    if (complaint_ != Complaint::Refused)
        ngx_log_error(NGX_LOG_ERR, log_, 0, "herald: the sidecar refuses: \"%V\"", &text);
    complaint_ = Complaint::Refused;
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
        if (complaint_ != Complaint::BadRing)
            ngx_log_error(NGX_LOG_ERR, log_, 0, "herald: ring refused: %s", error.what());
        complaint_ = Complaint::BadRing;
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
    complaint_ = Complaint::None;
    delay_ = 0;
    events_.attached(std::move(ring));
}

// -- out

void SidecarLink::send(std::string frames) {
    if (!attached_ || broken_)
        return;
    if (sent_ > output_.size() / 2) {
        output_.erase(0, std::exchange(sent_, 0));
    }
    if (output_.empty())
        output_ = std::move(frames);
    else
        output_.append(frames);
    flush();
}

void SidecarLink::flush() {
    ngx_event_t* writable = connection_->write;
    while (sent_ < output_.size()) {
        const ssize_t size = ::send(connection_->fd, output_.data() + sent_, output_.size() - sent_,
                                    MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size > 0) {
            sent_ += static_cast<size_t>(size);
            continue;
        }
        if (size < 0 && ngx_errno == NGX_EINTR)
            continue;
        writable->ready = 0;
        if (size < 0 && ngx_errno == NGX_EAGAIN && ngx_handle_write_event(writable, 0) == NGX_OK)
            return;
        // The reading side disconnects: here somebody may be in the middle of asking.
        broken_ = true;
        ngx_post_event(connection_->read, &ngx_posted_events);
        return;
    }
    output_ = {};
    sent_ = 0;
    // A level-triggered method would go on reporting that there is room.
    if (ngx_event_flags & NGX_USE_LEVEL_EVENT) {
        writable->ready = 1;
        (void)ngx_handle_write_event(writable, 0);
    }
}

void SidecarLink::disconnect() {
    const bool was_attached = std::exchange(attached_, false);
    taken_ = received_ = sent_ = 0;
    output_ = {};
    broken_ = false;
    if (connection_ != nullptr)
        ngx_close_connection(std::exchange(connection_, nullptr));
    if (doorbell_ != nullptr)
        ngx_close_connection(std::exchange(doorbell_, nullptr));
    if (was_attached)
        events_.lost();
}

}  // namespace herald

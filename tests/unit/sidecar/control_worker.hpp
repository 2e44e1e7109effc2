// A worker's end of the control socket, for tests. Never blocks.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ring/control.hpp"
#include "sidecar/fd.hpp"

namespace herald::sidecar {

inline Fd connect_to(const std::string& path) {
    Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fd.reset();
    return fd;
}

inline std::string hello_frame() {
    return ring::control::frame(ring::control::Type::Hello, ring::control::Hello{1, 0});
}

// An Ask frame with one part.
inline std::string ask_part(uint64_t number, std::string_view bytes, bool last) {
    std::string out;
    ring::control::append_message(out, ring::control::Type::Ask, number, bytes);
    const uint32_t value = last ? 1 : 0;
    std::memcpy(
        out.data() + sizeof(ring::control::FrameHeader) + offsetof(ring::control::Part, last),
        &value, sizeof value);
    return out;
}

class ControlWorker {
  public:
    explicit ControlWorker(const std::string& path) : socket_(connect_to(path)) {
        send(hello_frame());
    }

    // Queues bytes, and sends what the socket takes.
    void send(std::string_view bytes) {
        unsent_ += bytes;
        send_more();
    }
    void ask(uint64_t number, std::string_view question) {
        std::string frames;
        ring::control::append_message(frames, ring::control::Type::Ask, number, question);
        send(frames);
    }

    // Takes what is there, at most about `limit` bytes, and sends more.
    void receive(size_t limit = SIZE_MAX) {
        send_more();
        char buffer[64 * 1024];
        while (limit != 0) {
            const size_t size = std::min(limit, sizeof buffer);
            int fds[ring::control::kMaxDescriptors];
            int count = 0;
            const ssize_t got =
                ring::control::receive_with_descriptors(socket_.get(), buffer, size, fds, count);
            for (int i = 0; i < count; ++i)
                close(fds[i]);
            closed_ = got == 0 || (got < 0 && errno != EAGAIN);
            if (got <= 0)
                break;
            bytes_.append(buffer, static_cast<size_t>(got));
            limit -= static_cast<size_t>(got);
        }
        take_frames();
    }

    // Whether the other side has closed, read or not; waits for that at most `ms`.
    bool is_hung_up(int ms) const {
        pollfd hung_up{socket_.get(), 0, 0};
        return poll(&hung_up, 1, ms) == 1;
    }

    bool is_attached() const { return attached_; }
    bool is_closed() const { return closed_; }
    bool has_sent_all() const { return unsent_.empty(); }
    const std::string& refusal() const { return refusal_; }
    const std::map<uint64_t, std::string>& answers() const { return answers_; }  // whole ones
    const std::vector<std::string>& news() const { return news_; }  // whole ones, in order
    // What is neither a frame of the protocol nor in its place.
    const std::string& fault() const { return fault_; }

  private:
    void send_more() {
        while (!unsent_.empty()) {
            const ssize_t sent =
                ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent <= 0)
                return;
            unsent_.erase(0, static_cast<size_t>(sent));
        }
    }

    void take_frames() {
        namespace control = ring::control;
        size_t taken = 0;
        while (taken < bytes_.size()) {
            control::FrameHeader header;
            std::string_view payload;
            const auto found =
                control::parse(std::string_view(bytes_).substr(taken), header, payload);
            if (found == control::Parse::NeedMore)
                break;
            if (found != control::Parse::Frame) {
                fault_ = "no frame";
                break;
            }
            taken += sizeof header + payload.size();
            take(header, payload);
        }
        bytes_.erase(0, taken);
    }

    void take(const ring::control::FrameHeader& header, std::string_view payload) {
        namespace control = ring::control;
        control::Part part;
        std::string_view bytes;
        if (header.type == control::Type::Attach) {
            attached_ = true;
        } else if (header.type == control::Type::Refused) {
            refusal_ = payload;
        } else if (header.type == control::Type::Answer &&
                   control::decode_part(payload, part, bytes)) {
            std::string& answer = coming_[part.number];
            answer += bytes;
            if (part.last == 1 && !answers_.emplace(part.number, std::move(answer)).second)
                fault_ = "answered twice";
            if (part.last == 1)
                coming_.erase(part.number);
        } else if (header.type == control::Type::News &&
                   control::decode_part(payload, part, bytes)) {
            coming_news_ += bytes;
            if (part.number != news_.size() + 1)
                fault_ = "news out of order";
            if (part.last == 1)
                news_.push_back(std::exchange(coming_news_, {}));
        } else {
            fault_ = "unexpected frame";
        }
    }

    Fd socket_;
    std::string unsent_{};
    std::string bytes_{};
    bool attached_ = false;
    bool closed_ = false;
    std::string refusal_{};
    std::string fault_{};
    std::map<uint64_t, std::string> coming_{};
    std::map<uint64_t, std::string> answers_{};
    std::string coming_news_{};
    std::vector<std::string> news_{};
};

}  // namespace herald::sidecar

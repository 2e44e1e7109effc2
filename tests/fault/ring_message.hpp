// How a ring travels: writer → harness → readers, as a frame of the control protocol with the
// memfd attached.
#pragma once

#include <poll.h>

#include <cstdint>
#include <optional>

#include "ring/control.hpp"

namespace herald::fault {

struct RingMessage {
    uint64_t incarnation = 0;  // 0: the run is over, no descriptor
    uint64_t map_size = 0;
    int fd = -1;  // owned by whoever received it
};

inline std::string frame_of(const RingMessage& message) {
    struct {
        uint64_t incarnation, map_size;
    } payload{message.incarnation, message.map_size};
    return ring::control::frame(ring::control::Type::Attach, payload);
}

// Waits while the socket is full. False: the other side is gone.
inline bool send_ring(int socket, const RingMessage& message) {
    const std::string bytes = frame_of(message);
    for (;;) {
        const ssize_t sent = ring::control::send_with_descriptors(socket, bytes, &message.fd,
                                                                  message.fd >= 0 ? 1 : 0);
        if (sent >= 0)
            return static_cast<size_t>(sent) == bytes.size();
        if (errno != EAGAIN)
            return false;
        pollfd wait{socket, POLLOUT, 0};
        poll(&wait, 1, 1000);
    }
}

enum class Receipt { None, Ring, Gone };

// Waits up to `timeout` milliseconds.
inline Receipt receive_ring(int socket, int timeout, RingMessage& message) {
    namespace control = ring::control;
    pollfd wait{socket, POLLIN, 0};
    if (poll(&wait, 1, timeout) <= 0)
        return Receipt::None;

    // Frames are all of this size, and each was sent in one piece.
    char bytes[sizeof(control::FrameHeader) + 16];
    int fds[control::kMaxDescriptors];
    int count = 0;
    const ssize_t got = control::receive_with_descriptors(socket, bytes, sizeof bytes, fds, count);
    control::FrameHeader header;
    std::string_view payload;
    if (got != sizeof bytes ||
        control::parse({bytes, sizeof bytes}, header, payload) != control::Parse::Frame)
        return Receipt::Gone;
    std::memcpy(&message.incarnation, payload.data(), 8);
    std::memcpy(&message.map_size, payload.data() + 8, 8);
    message.fd = count == 1 ? fds[0] : -1;
    return Receipt::Ring;
}

}  // namespace herald::fault

// The control protocol between worker and sidecar: frames on a Unix stream socket
// (docs/formats.md).
//
//   worker                         sidecar
//     │ ── Hello {pid} ─────────────▶ │   who is asking
//     │ ◀───────────── Attach {size} ─│   with two descriptors: ring memfd, this worker's eventfd
//     │ ◀──────────── Refused {text} ─│   instead; then the sidecar closes
//     │ ── Ask {number} ────────────▶ │   any time after Attach: a question (ring/questions.hpp)
//     │ ◀──────────── Answer {number} │   its answer; answers may come in another order
//     │ ── Watch {sources} ─────────▶ │   any time after Attach: whose keys it wants
//     (ring/trust.hpp) │ ── Refetch {source} ────────▶ │   a token names a key that is not in this
//     source's set │ ◀────────────── News {number} │   any time after Attach: keys, revocations
//
// A question, an answer or a piece of news is a string of bytes of any length, sent in as many
// frames as it needs: the frames of one message follow each other in order, those of several may be
// mixed; but news are sent one after the other. The
// connection stays open for as long as both live; its end is how each learns of the other's
// death. Nothing here does I/O beyond sendmsg and recvmsg of descriptors; neither side trusts the
// other's bytes.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace herald::ring::control {

constexpr uint32_t kMagic = 0x434c5248;  // "HRLC" in little-endian order
constexpr uint16_t kVersion = 4;
constexpr uint32_t kMaxPayload = 64 * 1024;  // bytes
constexpr int kMaxDescriptors = 4;

enum class Type : uint16_t {
    Hello = 1,
    Attach = 2,
    Refused = 3,
    Ask = 4,
    Answer = 5,
    Watch = 6,
    Refetch = 7,
    News = 8
};

struct FrameHeader {
    uint32_t magic = kMagic;
    uint16_t version = kVersion;
    Type type = Type::Hello;
    uint32_t length = 0;    // bytes of payload behind this header
    uint32_t reserved = 0;  // 0
};

struct Hello {
    uint32_t pid = 0;
    uint32_t reserved = 0;
};

struct Attach {
    uint64_t map_size = 0;  // bytes of the memfd
};

// Starts the payload of Ask, Answer and News; a part of the message's bytes follows.
struct Part {
    uint64_t number = 0;    // the asker's, one per question; of News 1, 2, 3, ...
    uint32_t last = 0;      // 1: the message ends with this part
    uint32_t reserved = 0;  // 0
};
constexpr size_t kMaxPart = kMaxPayload - sizeof(Part);  // bytes of a message in one frame

static_assert(sizeof(FrameHeader) == 16 && sizeof(Hello) == 8 && sizeof(Attach) == 8);
static_assert(sizeof(Part) == 16);

// A frame as bytes, ready to send.
template <class Payload>
std::string frame(Type type, const Payload& payload) {
    FrameHeader header;
    header.type = type;
    header.length = sizeof payload;
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    bytes.append(reinterpret_cast<const char*>(&payload), sizeof payload);
    return bytes;
}
inline std::string frame_of_bytes(Type type, std::string_view payload) {
    FrameHeader header;
    header.type = type;
    header.length = static_cast<uint32_t>(payload.size());
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    return bytes.append(payload);
}
inline std::string refusal(std::string_view reason) {
    return frame_of_bytes(Type::Refused, reason);
}

// Appends a whole message in as many frames as it needs.
inline void append_message(std::string& out, Type type, uint64_t number, std::string_view message) {
    do {
        const std::string_view piece = message.substr(0, kMaxPart);
        message.remove_prefix(piece.size());
        FrameHeader header;
        header.type = type;
        header.length = static_cast<uint32_t>(sizeof(Part) + piece.size());
        Part part;
        part.number = number;
        part.last = message.empty() ? 1 : 0;
        out.append(reinterpret_cast<const char*>(&header), sizeof header);
        out.append(reinterpret_cast<const char*>(&part), sizeof part);
        out.append(piece);
    } while (!message.empty());
}

// The payload of Ask, Answer or News; false where it is too short.
inline bool decode_part(std::string_view payload, Part& part, std::string_view& bytes) {
    if (payload.size() < sizeof part)
        return false;
    std::memcpy(&part, payload.data(), sizeof part);
    bytes = payload.substr(sizeof part);
    return true;
}

enum class Parse { NeedMore, Frame, BadMagic, BadVersion, BadLength };

// Looks for one whole frame at the start of `bytes`. On Frame, `payload` views into `bytes` and the
// frame takes sizeof(FrameHeader) + payload.size() of them. On BadVersion, `header` has the other's
// version.
inline Parse parse(std::string_view bytes, FrameHeader& header, std::string_view& payload) {
    if (bytes.size() < sizeof header) {
        const size_t known = bytes.size() < sizeof kMagic ? bytes.size() : sizeof kMagic;
        const std::string_view magic(reinterpret_cast<const char*>(&kMagic), known);
        return bytes.substr(0, known) == magic ? Parse::NeedMore : Parse::BadMagic;
    }
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.magic != kMagic)
        return Parse::BadMagic;
    if (header.version != kVersion)
        return Parse::BadVersion;
    if (header.length > kMaxPayload)
        return Parse::BadLength;
    if (bytes.size() - sizeof header < header.length)
        return Parse::NeedMore;
    payload = bytes.substr(sizeof header, header.length);
    return Parse::Frame;
}

// A payload of fixed size; false where the lengths differ.
template <class Payload>
bool decode(std::string_view payload, Payload& out) {
    if (payload.size() != sizeof out)
        return false;
    std::memcpy(&out, payload.data(), sizeof out);
    return true;
}

// sendmsg with descriptors attached; returns what sendmsg returns.
inline ssize_t send_with_descriptors(int socket, std::string_view bytes, const int* fds,
                                     int count) {
    iovec vector{const_cast<char*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int) * kMaxDescriptors)] = {};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    if (count > 0) {
        message.msg_control = space;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * static_cast<size_t>(count));
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * static_cast<size_t>(count));
        std::memcpy(CMSG_DATA(header), fds, sizeof(int) * static_cast<size_t>(count));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// recvmsg that also takes descriptors, close-on-exec. `fds` has room for kMaxDescriptors; `count`
// says how many came, and the caller owns them. Returns what recvmsg returns.
inline ssize_t receive_with_descriptors(int socket, char* bytes, size_t size, int* fds,
                                        int& count) {
    iovec vector{bytes, size};
    alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = space;
    message.msg_controllen = sizeof space;
    count = 0;

    ssize_t received = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (received < 0)
        return received;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        const size_t arrived = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < arrived; ++i) {
            int fd;
            std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
            if (count < kMaxDescriptors)
                fds[count++] = fd;
            else
                close(fd);
        }
    }
    return received;
}

}  // namespace herald::ring::control

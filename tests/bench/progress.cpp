#include "progress.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/un.h>

#include <cstring>
#include <string_view>

#include "ring/control.hpp"

namespace herald::bench {
namespace {

namespace control = ring::control;

constexpr size_t kSharedSize = 4096;

Fd open_shared(const std::string& path, bool create) {
    Fd fd(open(path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_TRUNC : 0), 0600));
    if (!fd.open()) {
        throw_errno("opening " + path);
    }
    if (create && ftruncate(fd.get(), kSharedSize) != 0) {
        throw_errno("ftruncate");
    }
    return fd;
}

Fd connect_control(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        throw std::runtime_error("the path of the sidecar's socket is too long: " + path);
    }
    std::memcpy(address.sun_path, path.data(), path.size());

    Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.open() || connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address)) {
        throw_errno("connecting to the sidecar at " + path);
    }
    return fd;
}

}  // namespace

Mapping::Mapping(int fd, size_t size, bool writable)
    : bytes_(mmap(nullptr, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0)),
      size_(size) {
    if (bytes_ == MAP_FAILED) {
        throw_errno("mmap");
    }
}

Mapping::~Mapping() {
    munmap(bytes_, size_);
}

SharedCount::SharedCount(const std::string& path, bool create)
    : fd_(open_shared(path, create)),
      mapping_(fd_.get(), kSharedSize, true),
      count_(static_cast<std::atomic<uint64_t>*>(mapping_.bytes())) {}

RingCount::RingCount(const std::string& socket_path) : control_(connect_control(socket_path)) {
    const std::string hello =
        control::frame(control::Type::Hello, control::Hello{static_cast<uint32_t>(getpid()), 0});
    if (send(control_.get(), hello.data(), hello.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(hello.size())) {
        throw_errno("greeting the sidecar");
    }

    std::string bytes;
    for (;;) {
        pollfd readable{control_.get(), POLLIN, 0};
        if (poll(&readable, 1, 10'000) <= 0) {
            throw std::runtime_error("the sidecar does not answer");
        }
        char buffer[4096];
        int fds[control::kMaxDescriptors];
        int count = 0;
        ssize_t got =
            control::receive_with_descriptors(control_.get(), buffer, sizeof buffer, fds, count);
        if (got <= 0) {
            throw std::runtime_error("the sidecar hung up");
        }
        if (count == 2) {  // the ring, then the doorbell
            Fd ring(fds[0]);
            doorbell_ = Fd(fds[1]);
            mapping_ = std::make_unique<Mapping>(ring.get(), ring::kHeaderSize, false);
        }

        bytes.append(buffer, static_cast<size_t>(got));
        control::FrameHeader frame;
        std::string_view payload;
        switch (control::parse(bytes, frame, payload)) {
            case control::Parse::NeedMore:
                continue;
            case control::Parse::Frame:
                break;
            default:
                throw std::runtime_error("the sidecar speaks another protocol");
        }
        if (frame.type != control::Type::Attach || !mapping_) {
            throw std::runtime_error("the sidecar refused: " + std::string(payload));
        }
        break;
    }
    if (header().magic != ring::kMagic || header().version != ring::kVersion) {
        throw std::runtime_error("the sidecar's ring has another version");
    }
}

uint64_t RingCount::rejected() const {
    return counter(ring::kReceived) - counter(ring::kPublished);
}

}  // namespace herald::bench

#include "io_uring.hpp"

#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace herald {

namespace {

const char* remedy(int error) {
    switch (error) {
        case ENOSYS:
            return "; this kernel has no io_uring, or a seccomp filter hides it";
        case EPERM:
        case EACCES:
            return "; it is forbidden here (kernel.io_uring_disabled, or a container's seccomp "
                   "filter)";
        case ENOMEM:
            return "; where the kernel counts it as locked memory, a higher limit (LimitMEMLOCK=) "
                   "gives room for it";
        default:
            return "";
    }
}

std::string why(const char* what, int error) {
    return std::string(what) + ": " + std::strerror(error) + remedy(error);
}

// Two ends of a connection that takes little.
struct Pair {
    Pair() {
        const int small = 4096;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
            ends[0] = ends[1] = -1;
        else
            setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    }
    ~Pair() {
        for (int end : ends) {
            if (end >= 0)
                close(end);
        }
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;

    int ends[2];
};

}  // namespace

void SendBatch::Close::operator()(io_uring* ring) const noexcept {
    io_uring_queue_exit(ring);
    delete ring;
}

SendBatch::~SendBatch() = default;

std::unique_ptr<SendBatch> SendBatch::open(std::string& refusal) {
    std::unique_ptr<SendBatch> batch(new SendBatch);
    if (!batch->start(refusal) || !batch->try_out(refusal))
        return nullptr;
    return batch;
}

// The completion queue has twice as many entries as the submission queue, and is emptied after each
// batch: it cannot overflow.
bool SendBatch::start(std::string& refusal) {
    auto memory = std::make_unique<io_uring>();
    int result = 0;
    // Before Linux 5.12 a ring of all entries takes more locked memory than most are allowed.
    for (room_ = kMost; room_ >= kLeast; room_ /= 2) {
        result = io_uring_queue_init(room_, memory.get(), 0);
        if (result != -ENOMEM)
            break;
    }
    if (result < 0) {
        refusal = why("io_uring_setup() failed", -result);
        return false;
    }
    ring_.reset(memory.release());
    return true;
}

// Fills a small socket with one batch. Not one send may be left to complete later, and the results
// must add up to what arrives: some took everything, one perhaps a part, the rest nothing.
bool SendBatch::try_out(std::string& refusal) {
    const Pair pair;
    if (pair.ends[0] < 0) {
        refusal = why("socketpair() failed", errno);
        return false;
    }
    const std::string bytes(1024, 'x');
    const auto size = static_cast<uint32_t>(bytes.size());
    while (!is_full())
        add({nullptr, 0, bytes.data(), size, 0, pair.ends[0], BatchedSend::kUnknown});
    prepare();
    const int submitted = io_uring_submit(ring_.get());
    const uint32_t completed = harvest();
    const uint32_t added = count_;
    count_ = 0;
    if (submitted < 0) {
        refusal = why("io_uring_enter() failed", -submitted);
        return false;
    }

    size_t sent = 0;
    bool filled = false;
    for (uint32_t i = 0; i < added; ++i) {
        const int32_t result = sends_[i].result;
        if (result < 0 && result != -EAGAIN && result != BatchedSend::kUnknown) {
            refusal = why("io_uring cannot send", -result);
            return false;
        }
        filled = filled || result == -EAGAIN;
        sent += result > 0 ? static_cast<size_t>(result) : 0;
    }
    size_t arrived = 0;
    char buffer[4096];
    for (ssize_t got; (got = recv(pair.ends[1], buffer, sizeof buffer, MSG_DONTWAIT)) > 0;)
        arrived += static_cast<size_t>(got);
    if (completed != added || !filled || arrived != sent) {
        refusal = "the kernel's io_uring does not send at once; Linux 5.6 or newer does";
        return false;
    }
    return true;
}

// The submission queue is empty before and has an entry for each send.
void SendBatch::prepare() noexcept {
    for (uint32_t i = 0; i < count_; ++i) {
        BatchedSend& send = sends_[i];
        send.result = BatchedSend::kUnknown;
        io_uring_sqe* entry = io_uring_get_sqe(ring_.get());
        io_uring_prep_send(entry, send.fd, send.bytes, send.size, MSG_DONTWAIT | MSG_NOSIGNAL);
        entry->user_data = i;
    }
}

// Takes the results that are there; returns how many.
uint32_t SendBatch::harvest() noexcept {
    io_uring_cqe* entry;
    unsigned head, count = 0;
    io_uring_for_each_cqe(ring_.get(), head, entry) {
        sends_[entry->user_data].result = entry->res;
        ++count;
    }
    io_uring_cq_advance(ring_.get(), count);
    return count;
}

// Waiting costs nothing, as all are done by then; it is what makes sure that the kernel has let go
// of the bytes.
void SendBatch::submit() noexcept {
    if (ring_ == nullptr)
        return;
    prepare();
    uint32_t submitted = 0;
    for (uint32_t completed = 0; completed < count_;) {
        const int result = io_uring_submit_and_wait(ring_.get(), count_ - completed);
        completed += harvest();
        if (result > 0)
            submitted += static_cast<uint32_t>(result);
        if (result >= 0 ? result == 0 && submitted < count_ : result != -EINTR) {
            failure_ = result == 0 ? EIO : -result;
            break;
        }
    }
    if (failure_ == 0)
        return;

    // The kernel takes them in order: those behind the last one that it took have not been tried.
    ring_.reset();
    for (uint32_t i = submitted; i < count_; ++i)
        sends_[i].result = 0;
}

}  // namespace herald

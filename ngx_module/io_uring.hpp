// Many sends with one system call: io_uring as fan-out needs it.
//
// A batch collects whole segments for sockets and hands them to the kernel at once. Each send is
// MSG_DONTWAIT, so that the kernel has done it, as far as the socket takes it, when `flush`
// returns: nothing waits, no completion comes later, and the bytes need not live any longer. It is
// as if `send` had been called for one after the other, and what a socket did not take is the
// caller's to go on with. The ring is tried out when it is opened; a kernel that does otherwise is
// refused.
//
// Descriptors are plain, not registered ones. Registered, they are cheaper by less than can be
// measured, cost a system call for each connection and each close, and would go on leading to the
// old socket if ever one was closed without being unregistered.
//
// Knows nothing of nginx. Single-threaded, and of one process: not to be used on the other side of
// a fork.
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>

struct io_uring;

namespace herald {

class Lane;

// One send of a batch: everything that a slot of `lane` needs, which is the segment `ordinal`.
struct BatchedSend {
    static constexpr int32_t kUnknown = INT32_MIN;

    Lane* lane;
    uint64_t ordinal;
    const char* bytes;  // live until `flush` has returned
    uint32_t size;      // at most INT32_MAX
    uint32_t slot;
    int fd;
    int32_t result;  // bytes that the socket took, or -errno; 0: not tried; kUnknown: the kernel
                     // did not say
};

class SendBatch {
  public:
    // A reader on the same machine that has caught up between two batches must be woken anew, which
    // costs more than a system call does: few batches, but with entries that stay in the cache.
    static constexpr uint32_t kMost = 1024;
    static constexpr uint32_t kLeast = 128;  // where the kernel has no room for more

    // nullptr where the kernel has no io_uring for us, or one that does not do what is said above;
    // `refusal` then says why and what would help. Throws bad_alloc.
    static std::unique_ptr<SendBatch> open(std::string& refusal);
    ~SendBatch();
    SendBatch(const SendBatch&) = delete;
    SendBatch& operator=(const SendBatch&) = delete;

    bool is_empty() const { return count_ == 0; }
    bool is_full() const { return count_ == room_; }

    // Not when it is full, and at most one send for a socket: a second one would go on behind what
    // the first one left out.
    void add(const BatchedSend& send) { sends_[count_++] = send; }

    // Sends what was added, in that order, and calls unsent(send) for whatever a socket has not
    // taken whole. `unsent` must not add. What it throws comes out of here once all have been
    // called.
    template <class Unsent>
    void flush(Unsent&& unsent);

    // The errno that made the ring useless; 0: none has. Batches then send nothing, `unsent` gets
    // all of them.
    int failure() const { return failure_; }

  private:
    struct Close {
        void operator()(io_uring* ring) const noexcept;
    };

    SendBatch() = default;
    bool start(std::string& refusal);
    bool try_out(std::string& refusal);
    void prepare() noexcept;
    uint32_t harvest() noexcept;
    void submit() noexcept;

    std::unique_ptr<io_uring, Close> ring_;
    std::array<BatchedSend, kMost> sends_;
    uint32_t room_ = kMost;
    uint32_t count_ = 0;
    int failure_ = 0;
};

template <class Unsent>
void SendBatch::flush(Unsent&& unsent) {
    if (count_ == 0)
        return;
    submit();
    std::exception_ptr thrown;
    for (uint32_t i = 0; i < count_; ++i) {
        const BatchedSend& send = sends_[i];
        if (send.result == static_cast<int32_t>(send.size))
            continue;
        try {
            unsent(send);
        } catch (...) {
            thrown = std::current_exception();
        }
    }
    count_ = 0;
    if (thrown)
        std::rethrow_exception(thrown);
}

}  // namespace herald

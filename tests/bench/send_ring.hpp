// The floor's sends through io_uring (mode B): one per subscriber and event as ever, many to a
// system call, to registered descriptors. Each is MSG_DONTWAIT: done when `flush` returns.
#pragma once

#include <liburing.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <vector>

namespace herald::bench {

class SendRing {
  public:
    explicit SendRing(unsigned descriptors) {
        int made = io_uring_queue_init(kMost, &ring_,
                                       IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN);
        if (made == -EINVAL)
            made = io_uring_queue_init(kMost, &ring_, 0);  // before Linux 6.0
        check(made, "io_uring_setup");
        const std::vector<int> none(descriptors, -1);
        check(io_uring_register_files(&ring_, none.data(), descriptors), "registering descriptors");
    }
    ~SendRing() { io_uring_queue_exit(&ring_); }
    SendRing(const SendRing&) = delete;
    SendRing& operator=(const SendRing&) = delete;

    void add(int fd) { check(io_uring_register_files_update(&ring_, fd, &fd, 1), "registering"); }
    // Before it is closed.
    void remove(int fd) {
        int none = -1;
        check(io_uring_register_files_update(&ring_, static_cast<unsigned>(fd), &none, 1),
              "unregistering");
    }

    bool is_full() const { return count_ == kMost; }
    void send(int fd, std::string_view bytes, uint64_t tag) {
        io_uring_sqe* entry = io_uring_get_sqe(&ring_);
        io_uring_prep_send(entry, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        entry->flags |= IOSQE_FIXED_FILE;
        entry->user_data = tag;
        ++count_;
    }

    // Calls done(tag, result) for each: what the socket took, or -errno.
    template <class Done>
    void flush(Done&& done) {
        while (count_ != 0) {
            const int result = io_uring_submit_and_wait(&ring_, count_);
            if (result < 0 && result != -EINTR)
                check(result, "io_uring_enter");
            io_uring_cqe* entry;
            unsigned head, taken = 0;
            io_uring_for_each_cqe(&ring_, head, entry) {
                done(entry->user_data, entry->res);
                ++taken;
            }
            io_uring_cq_advance(&ring_, taken);
            count_ -= taken;
        }
    }

  private:
    static constexpr unsigned kMost = 1024;

    static void check(int result, const char* what) {
        if (result < 0)
            throw std::system_error(-result, std::generic_category(), what);
    }

    io_uring ring_{};
    unsigned count_ = 0;
};

}  // namespace herald::bench

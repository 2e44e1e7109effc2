// How many messages the subscriber under test has received, for a producer that must not run away
// from it. Reading it costs the subscriber nothing: the count is in memory that both map.
//
//   SharedCount       a file that herald_bench_discard counts in
//   RingCount         the header of the sidecar's ring, as a worker gets it
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "net.hpp"
#include "ring/layout.hpp"

namespace herald::bench {

// Owns a mapping of `size` bytes.
class Mapping {
  public:
    // Throws std::system_error.
    Mapping(int fd, size_t size, bool writable);
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping();

    void* bytes() const { return bytes_; }

  private:
    void* bytes_;
    size_t size_;
};

class Progress {
  public:
    virtual ~Progress() = default;
    // Messages since the subscriber began.
    virtual uint64_t received() const = 0;
    // Messages that it refused; what it refuses it has not received.
    virtual uint64_t rejected() const { return 0; }
    // The seq of its newest event; 0 where it gives none.
    virtual uint64_t last_seq() const { return 0; }
};

class SharedCount final : public Progress {
  public:
    // `create`: makes the file with a count of 0. Else it has to be there. Throws
    // std::system_error.
    SharedCount(const std::string& path, bool create);

    uint64_t received() const override { return count_->load(std::memory_order_acquire); }
    // One writer alone.
    void set(uint64_t messages) { count_->store(messages, std::memory_order_release); }

  private:
    Fd fd_;
    Mapping mapping_;
    std::atomic<uint64_t>* count_;
};

class RingCount final : public Progress {
  public:
    // Attaches to the sidecar as a worker does: it rings a doorbell for us, as it would for a
    // worker. Throws std::runtime_error or std::system_error.
    explicit RingCount(const std::string& socket_path);

    uint64_t received() const override { return counter(ring::kPublished); }
    uint64_t rejected() const override;
    uint64_t last_seq() const override { return header().last_seq.load(); }

  private:
    const ring::Header& header() const {
        return *static_cast<const ring::Header*>(mapping_->bytes());
    }
    uint64_t counter(ring::Counter which) const {
        return header().counters[which].load(std::memory_order_acquire);
    }

    Fd control_;   // open as long as we are attached
    Fd doorbell_;  // never read: an eventfd only adds up
    std::unique_ptr<Mapping> mapping_{};
};

}  // namespace herald::bench

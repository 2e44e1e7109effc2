// The subscribers of a run: opens the connections, waits for their response heads, and takes in
// what arrives. What a server wraps around an event (chunks, SSE lines, frames) is not parsed:
// scan_events finds the payload in it. An event cut in two by a chunk boundary is therefore
// reported as lost, never missed silently. HTTP/2 alone is taken apart: its connections carry
// several subscribers each.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "histogram.hpp"
#include "http2.hpp"
#include "ledger.hpp"
#include "net.hpp"
#include "options.hpp"
#include "payload.hpp"
#include "wires.hpp"

namespace herald::bench {

class Subscribers {
  public:
    // `epoll` is the caller's and outlives this; connections are registered with the index of
    // their first subscriber as tag.
    Subscribers(const Options& options, int epoll);
    ~Subscribers();
    Subscribers(const Subscribers&) = delete;
    Subscribers& operator=(const Subscribers&) = delete;

    // Opens all connections and returns when each has its response head; throws when one is refused
    // or nothing happens for 10 seconds.
    void connect_all();

    // Notes that the next event of `channel` was published now.
    void published(uint32_t channel, uint64_t now_ns) { sent_at_[channel].push_back(now_ns); }

    // Reads once what has arrived on the connection whose first subscriber is `index`.
    void read(size_t index);

    const Ledger& ledger() const { return ledger_; }
    const Histogram& latency() const { return latency_; }
    uint64_t last_delivery_ns() const { return last_delivery_ns_; }
    uint64_t reads() const { return reads_; }
    size_t closed_by_server() const { return closed_; }

    // How many deliveries are owed in all for what has been published.
    uint64_t owed() const;

  private:
    enum class State : uint8_t { AwaitsStatus, AwaitsHeadEnd, Streams, Closed };

    // Half a cache line: the loop touches one of these per read.
    struct Subscriber {
        int fd = -1;
        State state = State::AwaitsStatus;
        uint8_t carried = 0;  // bytes of `carry` that the next read continues
        uint16_t stride = 0;  // see scan_events
        std::array<char, kLongestPartialMarker + 4> carry{};
    };
    static_assert(sizeof(Subscriber) <= 32);

    void open_connection(size_t index);
    std::string request_on(size_t index);
    void read_http2(size_t index);
    void take_frame(size_t index, const Http2Connection::Frame& frame);
    void take_in(size_t index, const char* begin, const char* end);
    const char* take_in_head(Subscriber& subscriber, const char* begin, const char* end);
    void take_in_events(size_t index, const char* begin, const char* end);
    void close_connection(size_t index);

    static constexpr size_t kReadSize = 128 * 1024;  // stays in the L2 cache

    Options options_;
    int epoll_;
    Wires wires_;
    std::vector<Http2Connection> http2_;  // by connection
    std::vector<Subscriber> subscribers_;
    Ledger ledger_;
    Histogram latency_;
    std::vector<std::vector<uint64_t>> sent_at_;  // [channel][number]
    std::unique_ptr<char[]> buffer_;
    size_t streaming_ = 0;
    size_t closed_ = 0;
    uint64_t reads_ = 0;
    uint64_t last_delivery_ns_ = 0;
};

}  // namespace herald::bench

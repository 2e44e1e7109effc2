// Publishes events over one pipelined connection: as PUBLISH to Redis, or as POST to an HTTP
// publisher. Never blocks: what the socket does not take is kept until flush() is called again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net.hpp"

namespace herald::bench {

class Publisher {
  public:
    static Publisher to_redis(uint16_t port, uint32_t channels);
    static Publisher to_http(uint16_t port, const std::string& path, uint32_t channels);

    // Queues one event of kPayloadSize bytes.
    void publish(uint32_t channel, std::string_view payload);

    // The same for bench:<name>, of which there may be any number. Redis only.
    void publish_to(std::string_view name, std::string_view payload);

    // Writes what the socket takes. True when nothing is left.
    bool flush();

    // Takes in what came back; throws when the other side has hung up.
    void read_replies();

    int fd() const { return fd_.get(); }
    uint64_t accepted() const { return accepted_; }
    uint64_t refused() const { return refused_; }

  private:
    enum class Protocol { Redis, Http };

    Publisher(Protocol protocol, uint16_t port)
        : protocol_(protocol), fd_(connect_loopback(port)) {}

    void count_replies();

    Protocol protocol_;
    Fd fd_;
    std::vector<std::string> heads_;  // per channel: what precedes the payload in a request
    std::string unsent_;
    std::string replies_;  // not yet counted
    uint64_t accepted_ = 0;
    uint64_t refused_ = 0;
};

}  // namespace herald::bench

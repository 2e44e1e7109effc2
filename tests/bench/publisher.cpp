#include "publisher.hpp"

#include "options.hpp"
#include "payload.hpp"

namespace herald::bench {

Publisher Publisher::to_redis(uint16_t port, uint32_t channels) {
    Publisher publisher(Protocol::Redis, port);
    for (uint32_t i = 0; i < channels; ++i) {
        std::string name = "bench:" + std::to_string(i);
        publisher.heads_.push_back("*3\r\n$7\r\nPUBLISH\r\n$" + std::to_string(name.size()) +
                                   "\r\n" + name + "\r\n$" + std::to_string(kPayloadSize) + "\r\n");
    }
    return publisher;
}

Publisher Publisher::to_http(uint16_t port, const std::string& path, uint32_t channels) {
    Publisher publisher(Protocol::Http, port);
    for (uint32_t i = 0; i < channels; ++i) {
        publisher.heads_.push_back("POST " + path_of_channel(path, i) +
                                   " HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
                                   "Content-Length: " +
                                   std::to_string(kPayloadSize) + "\r\n\r\n");
    }
    return publisher;
}

void Publisher::publish(uint32_t channel, std::string_view payload) {
    unsent_ += heads_[channel];
    unsent_ += payload;
    if (protocol_ == Protocol::Redis) {
        unsent_ += "\r\n";
    }
}

void Publisher::publish_to(std::string_view name, std::string_view payload) {
    constexpr std::string_view kPrefix = "bench:";
    unsent_ += "*3\r\n$7\r\nPUBLISH\r\n$";
    unsent_ += std::to_string(kPrefix.size() + name.size());
    unsent_ += "\r\n";
    unsent_ += kPrefix;
    unsent_ += name;
    unsent_ += "\r\n$";
    unsent_ += std::to_string(payload.size());
    unsent_ += "\r\n";
    unsent_ += payload;
    unsent_ += "\r\n";
}

bool Publisher::flush() {
    while (!unsent_.empty()) {
        ssize_t sent = send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) {
            return false;
        }
        if (sent < 0) {
            throw_errno("publishing");
        }
        unsent_.erase(0, static_cast<size_t>(sent));
    }
    return true;
}

void Publisher::read_replies() {
    char buffer[65536];
    ssize_t got = recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        throw std::runtime_error("the publishing connection was closed");
    }
    replies_.append(buffer, static_cast<size_t>(got));
    count_replies();
}

// Redis answers a line per PUBLISH, `:<receivers>` or `-<error>`. Of an HTTP answer the first digit
// of the status says enough; no body of ours contains a status line.
void Publisher::count_replies() {
    const std::string_view mark = protocol_ == Protocol::Redis ? "\r\n" : "HTTP/1.1 ";
    size_t begin = 0;
    for (;;) {
        size_t at = replies_.find(mark, begin);
        if (at == std::string::npos) {
            break;
        }
        size_t verdict = protocol_ == Protocol::Redis ? begin : at + mark.size();
        if (verdict >= replies_.size()) {
            break;
        }
        bool good = replies_[verdict] == ':' || replies_[verdict] == '2';
        ++(good ? accepted_ : refused_);
        begin = at + mark.size();
    }

    // What could still become a mark stays; of HTTP bodies that is their last bytes.
    if (protocol_ == Protocol::Http && replies_.size() - begin > mark.size()) {
        begin = replies_.size() - mark.size();
    }
    replies_.erase(0, begin);
}

}  // namespace herald::bench

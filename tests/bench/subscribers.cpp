#include "subscribers.hpp"

#include <cstring>
#include <string>
#include <string_view>

namespace herald::bench {
namespace {

constexpr int kEventsPerRound = 256;
constexpr uint64_t kConnectTimeoutNs = 10'000'000'000;

std::string request_for(const Options& options, uint32_t channel) {
    std::string request =
        "GET " + path_of_channel(options.path, channel) + " HTTP/1.1\r\nHost: bench\r\n";
    if (!options.resume_from.empty()) {
        request += "Last-Event-ID: " + options.resume_from + "\r\n";
    }
    if (options.websocket) {
        return request +
               "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    }
    return request + "Accept: text/event-stream\r\n\r\n";
}

}  // namespace

Subscribers::Subscribers(const Options& options, int epoll)
    : options_(options),
      epoll_(epoll),
      wires_(options.tls ? Security::Tls : Security::Plain,
             options.streams > 0 ? "h2" : "http/1.1"),
      http2_(options.streams > 0 ? options.subscribers / options.streams : 0),
      subscribers_(options.subscribers),
      ledger_(options.subscribers),
      sent_at_(options.channels),
      buffer_(std::make_unique<char[]>(kReadSize)) {}

Subscribers::~Subscribers() {
    // Closed with a reset: 10,000 sockets in TIME_WAIT would be in the way of the next run.
    linger abort{1, 0};
    for (const Subscriber& subscriber : subscribers_) {
        if (subscriber.fd >= 0) {
            setsockopt(subscriber.fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
            close(subscriber.fd);
        }
    }
}

void Subscribers::connect_all() {
    const size_t each = std::max(options_.streams, 1U);
    std::array<epoll_event, kEventsPerRound> events;
    size_t opened = 0;
    uint64_t progress_ns = monotonic_ns();
    for (size_t streaming = 0; streaming_ < subscribers_.size();) {
        while (opened < subscribers_.size() && opened - streaming_ < options_.at_once) {
            open_connection(opened);
            opened += each;
        }

        const int wait_ms = options_.spin ? 0 : 1000;
        int ready = epoll_wait(epoll_, events.data(), kEventsPerRound, wait_ms);
        for (int i = 0; i < ready; ++i) {
            read(events[static_cast<size_t>(i)].data.u64);
        }
        if (closed_ > 0) {
            throw std::runtime_error("the server closed a connection before the first event");
        }
        const uint64_t now = monotonic_ns();
        if (streaming_ > streaming) {
            streaming = streaming_;
            progress_ns = now;
        } else if (now - progress_ns > kConnectTimeoutNs) {
            throw std::runtime_error("only " + std::to_string(streaming_) + " of " +
                                     std::to_string(subscribers_.size()) +
                                     " subscribers got a response");
        }
    }
}

void Subscribers::open_connection(size_t index) {
    Fd fd = wires_.connect(options_.port);
    wires_.send_all(fd.get(), request_on(index));
    watch(epoll_, EPOLL_CTL_ADD, fd.get(), EPOLLIN, index);
    subscribers_[index].fd = fd.release();
}

// All requests of the connection whose first subscriber is `index`.
std::string Subscribers::request_on(size_t index) {
    if (options_.streams == 0) {
        return request_for(options_, static_cast<uint32_t>(index % options_.channels));
    }
    std::string requests = Http2Connection::preface();
    for (uint32_t i = 0; i < options_.streams; ++i) {
        const auto channel = static_cast<uint32_t>((index + i) % options_.channels);
        requests += Http2Connection::get(2 * i + 1, path_of_channel(options_.path, channel));
    }
    return requests;
}

void Subscribers::read(size_t index) {
    Subscriber& subscriber = subscribers_[index];
    if (subscriber.fd < 0) {
        return;
    }
    if (options_.streams > 0) {
        read_http2(index);
        return;
    }
    char* begin = buffer_.get();
    std::memcpy(begin, subscriber.carry.data(), subscriber.carried);
    ssize_t got =
        wires_.receive(subscriber.fd, begin + subscriber.carried, kReadSize - subscriber.carried);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        close_connection(index);
        return;
    }

    ++reads_;
    take_in(index, begin, begin + subscriber.carried + got);
}

void Subscribers::read_http2(size_t index) {
    const int fd = subscribers_[index].fd;
    ssize_t got = wires_.receive(fd, buffer_.get(), kReadSize);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        close_connection(index);
        return;
    }

    ++reads_;
    Http2Connection& connection = http2_[index / options_.streams];
    connection.feed({buffer_.get(), static_cast<size_t>(got)});
    std::string answers;
    while (auto frame = connection.next()) {
        take_frame(index, *frame);
        answers += connection.answer(*frame);
    }
    if (!answers.empty()) {
        wires_.send_all(fd, answers);
    }
}

// A frame of the connection whose first subscriber is `index`.
void Subscribers::take_frame(size_t index, const Http2Connection::Frame& frame) {
    if (frame.type == Http2Connection::kGoAway || frame.type == Http2Connection::kResetStream) {
        throw std::runtime_error("the server closed an HTTP/2 stream or connection");
    }
    if (frame.stream == 0 || frame.stream > 2 * options_.streams) {
        return;
    }
    const size_t which = index + frame.stream / 2;
    Subscriber& subscriber = subscribers_[which];
    if (frame.type == Http2Connection::kHeaders && subscriber.state != State::Streams) {
        if (!Http2Connection::is_ok(frame)) {
            throw std::runtime_error("the server refused an HTTP/2 stream");
        }
        subscriber.state = State::Streams;
        ++streaming_;
    } else if (frame.type == Http2Connection::kData && subscriber.state == State::Streams) {
        std::string bytes(subscriber.carry.data(), subscriber.carried);
        bytes += frame.payload;
        take_in_events(which, bytes.data(), bytes.data() + bytes.size());
    }
}

void Subscribers::take_in(size_t index, const char* begin, const char* end) {
    Subscriber& subscriber = subscribers_[index];
    if (subscriber.state != State::Streams) [[unlikely]] {
        begin = take_in_head(subscriber, begin, end);
    }
    if (subscriber.state == State::Streams) {
        take_in_events(index, begin, end);
        return;
    }
    subscriber.carried = static_cast<uint8_t>(end - begin);
    std::memcpy(subscriber.carry.data(), begin, subscriber.carried);
}

// Returns what is not yet used: behind the head when it is complete, else the few bytes that the
// next read continues.
const char* Subscribers::take_in_head(Subscriber& subscriber, const char* begin, const char* end) {
    constexpr std::string_view kStatusStart = "HTTP/1.1 200";
    constexpr std::string_view kHeadEnd = "\r\n\r\n";
    std::string_view bytes(begin, static_cast<size_t>(end - begin));

    if (subscriber.state == State::AwaitsStatus) {
        if (bytes.size() < kStatusStart.size()) {
            return begin;
        }
        if (bytes.substr(9, 3) != (options_.websocket ? "101" : "200")) {
            throw std::runtime_error("the server answered \"" +
                                     std::string(bytes.substr(0, bytes.find('\r'))) + "\"");
        }
        subscriber.state = State::AwaitsHeadEnd;
    }

    size_t at = bytes.find(kHeadEnd);
    if (at == std::string_view::npos) {
        return end - std::min(bytes.size(), kHeadEnd.size() - 1);
    }
    subscriber.state = State::Streams;
    ++streaming_;
    return begin + at + kHeadEnd.size();
}

void Subscribers::take_in_events(size_t index, const char* begin, const char* end) {
    Subscriber& subscriber = subscribers_[index];
    const std::vector<uint64_t>& sent_at = sent_at_[index % options_.channels];
    const uint64_t now = monotonic_ns();
    uint64_t before = ledger_.delivered();

    const char* left = scan_events(begin, end, subscriber.stride, [&](uint64_t number) {
        if (ledger_.record(index, number, sent_at.size())) {
            latency_.add(now - sent_at[number]);
        }
    });

    if (ledger_.delivered() != before) {
        last_delivery_ns_ = now;
    }
    subscriber.carried = static_cast<uint8_t>(end - left);
    std::memcpy(subscriber.carry.data(), left, subscriber.carried);
}

void Subscribers::close_connection(size_t index) {
    Subscriber& subscriber = subscribers_[index];
    close(subscriber.fd);
    subscriber.fd = -1;
    for (size_t i = index; i < index + std::max(options_.streams, 1U); ++i) {
        subscribers_[i].state = State::Closed;
        ledger_.forget(i);
        ++closed_;
    }
}

uint64_t Subscribers::owed() const {
    uint64_t sum = 0;
    for (size_t channel = 0; channel < sent_at_.size(); ++channel) {
        uint64_t listeners = (subscribers_.size() - channel - 1) / options_.channels + 1;
        sum += sent_at_[channel].size() * listeners;
    }
    return sum;
}

}  // namespace herald::bench

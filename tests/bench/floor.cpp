// herald_bench_floor: how little a server can do and still deliver. One thread, epoll, one Redis
// SUBSCRIBE; no history, ids, auth or keepalive. What Herald costs is told as a ratio to this.
//
//     --mode A   one send per subscriber and event
//     --mode B   the same sends through io_uring, up to a thousand in a system call
//     --mode C   one send per subscriber for everything that one read from Redis brought
//
// Nothing is lost: what a socket does not take waits in memory, without bound, until it does.

#include <array>
#include <charconv>
#include <cstdio>
#include <memory>
#include <vector>

#include "floor_client.hpp"
#include "floor_settings.hpp"
#include "net.hpp"
#include "resp_messages.hpp"
#include "send_ring.hpp"

namespace herald::bench {
namespace {

constexpr size_t kRedisReadSize = 256 * 1024;
constexpr int kEventsPerRound = 512;
constexpr int kBacklog = 4096;
constexpr unsigned kMaxFiles = 20'000;

// The fan-out loop runs over these alone: eight bytes per subscriber.
struct Slot {
    int fd;
    bool blocked;  // has pending bytes
};

// The subscribers of one channel on one transport, and what goes to them next.
struct Lane {
    Transport transport = kSse;
    std::vector<Slot> slots;
    Batch batch;
};

struct Connection {
    Fd fd;
    Lane* lane = nullptr;  // null until the request is complete
    size_t slot = 0;       // where in the lane
    std::string request;
    std::string pending;  // accepted for sending, not yet taken by the socket
};

class Floor {
  public:
    explicit Floor(const FloorSettings& settings)
        : settings_(settings),
          lanes_(settings.channels),
          epoll_(epoll_create1(EPOLL_CLOEXEC)),
          redis_(connect_loopback(settings.redis_port)),
          redis_buffer_(std::make_unique<char[]>(kRedisReadSize)) {
        for (Lanes& lanes : lanes_) {
            lanes[kWebSocket].transport = kWebSocket;
        }
        if (settings_.io_uring)
            ring_ = std::make_unique<SendRing>(kMaxFiles);
        subscribe();
        listen_on_loopback();
    }

    [[noreturn]] void serve() {
        epoll_event events[kEventsPerRound];
        for (;;) {
            int ready = epoll_wait(epoll_.get(), events, kEventsPerRound, -1);
            bool incoming = false;
            for (int i = 0; i < ready; ++i) {
                int fd = static_cast<int>(events[i].data.u64);
                if (fd == redis_.get()) {
                    read_redis();
                } else if (fd == listener_.get()) {
                    incoming = true;
                } else if (connections_[static_cast<size_t>(fd)] != nullptr) {
                    serve_client(*connections_[static_cast<size_t>(fd)], events[i].events);
                }
            }
            // Last, so that no event of this round can belong to a descriptor's next life.
            if (incoming) {
                accept_clients();
            }
        }
    }

  private:
    using Lanes = std::array<Lane, kTransports>;

    void subscribe() {
        std::string command = "SUBSCRIBE";
        for (uint32_t i = 0; i < settings_.channels; ++i) {
            command += " bench:" + std::to_string(i);
        }
        command += "\r\n";
        if (send(redis_.get(), command.data(), command.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(command.size())) {
            throw_errno("subscribing");
        }
        watch(epoll_.get(), EPOLL_CTL_ADD, redis_.get(), EPOLLIN, fd_tag(redis_));
    }

    void listen_on_loopback() {
        listener_ = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        int on = 1;
        setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in address = loopback_address(settings_.port);
        if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            listen(listener_.get(), kBacklog) != 0) {
            throw_errno("listening");
        }
        watch(epoll_.get(), EPOLL_CTL_ADD, listener_.get(), EPOLLIN, fd_tag(listener_));
    }

    static uint64_t fd_tag(const Fd& fd) { return static_cast<uint64_t>(fd.get()); }

    void read_redis() {
        ssize_t got = recv(redis_.get(), redis_buffer_.get(), kRedisReadSize, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        if (got <= 0) {
            throw std::runtime_error("Redis closed the connection");
        }

        messages_.feed({redis_buffer_.get(), static_cast<size_t>(got)});
        while (auto message = messages_.next()) {
            take_message(*message);
        }
        for (Lane* lane : touched_) {
            fan_out(*lane);
        }
        touched_.clear();
    }

    void take_message(const RespMessages::Message& message) {
        uint32_t channel = 0;
        size_t colon = message.channel.find(':');
        std::from_chars(message.channel.data() + colon + 1,
                        message.channel.data() + message.channel.size(), channel);
        for (Lane& lane : lanes_[channel]) {
            if (lane.slots.empty()) {
                continue;
            }
            bool first = lane.batch.empty();
            lane.batch.add(lane.transport, message.data);
            if (!settings_.coalesce) {
                fan_out(lane);
            } else if (first) {
                touched_.push_back(&lane);
            }
        }
    }

    void fan_out(Lane& lane) {
        std::string_view bytes = lane.batch.finish(lane.transport);
        for (Slot& slot : lane.slots) {
            if (slot.blocked) {
                connections_[static_cast<size_t>(slot.fd)]->pending += bytes;
                continue;
            }
            if (ring_) {
                if (ring_->is_full()) {
                    flush(lane, bytes);
                }
                ring_->send(slot.fd, bytes, static_cast<uint64_t>(&slot - lane.slots.data()));
                continue;
            }
            ssize_t sent = send(slot.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            settle(slot, bytes, sent < 0 ? -errno : sent);
        }
        if (ring_) {
            flush(lane, bytes);
        }
        lane.batch.clear();
    }

    void flush(Lane& lane, std::string_view bytes) {
        ring_->flush([&](uint64_t slot, int sent) { settle(lane.slots[slot], bytes, sent); });
    }

    // `sent`: bytes, or -errno.
    void settle(Slot& slot, std::string_view bytes, ssize_t sent) {
        if (sent == static_cast<ssize_t>(bytes.size())) [[likely]] {
            return;
        }
        if (sent < 0 && sent != -EAGAIN) {
            return;  // epoll reports the connection's end
        }
        keep(slot, bytes.substr(sent < 0 ? 0 : static_cast<size_t>(sent)));
    }

    // The socket is full: what is left waits, and epoll says when there is room.
    void keep(Slot& slot, std::string_view rest) {
        slot.blocked = true;
        connections_[static_cast<size_t>(slot.fd)]->pending.assign(rest);
        watch(epoll_.get(), EPOLL_CTL_MOD, slot.fd, EPOLLIN | EPOLLRDHUP | EPOLLOUT,
              static_cast<uint64_t>(slot.fd));
    }

    void send_pending(Connection& connection) {
        std::string& pending = connection.pending;
        ssize_t sent =
            send(connection.fd.get(), pending.data(), pending.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0) {
            return;
        }
        pending.erase(0, static_cast<size_t>(sent));
        if (pending.empty()) {
            connection.lane->slots[connection.slot].blocked = false;
            watch(epoll_.get(), EPOLL_CTL_MOD, connection.fd.get(), EPOLLIN | EPOLLRDHUP,
                  fd_tag(connection.fd));
        }
    }

    void accept_clients() {
        for (;;) {
            Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!fd.open()) {
                return;
            }
            int on = 1;
            setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            watch(epoll_.get(), EPOLL_CTL_ADD, fd.get(), EPOLLIN | EPOLLRDHUP, fd_tag(fd));

            auto index = static_cast<size_t>(fd.get());
            if (connections_.size() <= index) {
                connections_.resize(index + 1);
            }
            if (ring_) {
                ring_->add(fd.get());
            }
            connections_[index] = std::make_unique<Connection>();
            connections_[index]->fd = std::move(fd);
        }
    }

    void serve_client(Connection& connection, uint32_t events) {
        if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
            drop(connection);
            return;
        }
        if ((events & EPOLLOUT) != 0) {
            send_pending(connection);
        }
        if ((events & EPOLLIN) != 0) {
            read_client(connection);
        }
    }

    // What a client says after its request is read and ignored.
    void read_client(Connection& connection) {
        char buffer[4096];
        ssize_t got = recv(connection.fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            drop(connection);
            return;
        }
        if (got < 0 || connection.lane != nullptr) {
            return;
        }
        connection.request.append(buffer, static_cast<size_t>(got));
        if (connection.request.find("\r\n\r\n") != std::string::npos) {
            answer(connection);
        }
    }

    void answer(Connection& connection) {
        auto request = parse_request(connection.request);
        if (!request || request->channel >= settings_.channels) {
            drop(connection);
            return;
        }
        const std::string& head = request->response_head;
        ssize_t sent =
            send(connection.fd.get(), head.data(), head.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent != static_cast<ssize_t>(head.size())) {
            drop(connection);  // an empty socket buffer always takes a head
            return;
        }

        connection.request = {};
        connection.lane = &lanes_[request->channel][request->transport];
        connection.slot = connection.lane->slots.size();
        connection.lane->slots.push_back({connection.fd.get(), false});
    }

    void drop(Connection& connection) {
        if (connection.lane != nullptr) {
            std::vector<Slot>& slots = connection.lane->slots;
            slots[connection.slot] = slots.back();
            connections_[static_cast<size_t>(slots.back().fd)]->slot = connection.slot;
            slots.pop_back();
        }
        if (ring_) {
            ring_->remove(connection.fd.get());
        }
        connections_[static_cast<size_t>(connection.fd.get())].reset();
    }

    FloorSettings settings_;
    std::vector<Lanes> lanes_;    // by channel
    std::vector<Lane*> touched_;  // have a batch
    Fd epoll_;
    Fd listener_;
    Fd redis_;
    std::unique_ptr<char[]> redis_buffer_;
    std::unique_ptr<SendRing> ring_;  // mode B
    RespMessages messages_;
    std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
};

}  // namespace
}  // namespace herald::bench

int main(int argc, char** argv) {
    using namespace herald::bench;
    try {
        raise_file_limit(kMaxFiles);
        Floor(parse_floor_settings(argc, argv)).serve();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "herald_bench_floor: %s\n", error.what());
        return 1;
    }
}

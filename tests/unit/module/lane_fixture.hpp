// A lane, its subscribers at the ends of socket pairs, and the part of delivery that a lane leaves
// to its owner: holding the segment that a full socket cut, and finishing it later.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lane.hpp"

namespace herald {

// A subscriber. What it is to get is whatever `stream` says from `joined_at` on.
struct Client : LaneMember {
    explicit Client(int send_buffer = 0) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0)
            std::abort();
        socket = ends[0];
        peer = ends[1];
        if (send_buffer != 0)
            setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    }
    ~Client() {
        if (partial != nullptr)
            drop(partial);
        close(socket);
        if (peer >= 0)
            close(peer);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Takes at most `most` bytes out of the socket; everything received so far.
    const std::string& read(size_t most = SIZE_MAX) {
        char bytes[65536];
        while (most != 0) {
            const ssize_t got = recv(peer, bytes, std::min(most, sizeof bytes), 0);
            if (got <= 0)
                break;
            received.append(bytes, static_cast<size_t>(got));
            most -= static_cast<size_t>(got);
        }
        return received;
    }
    void close_peer() { close(std::exchange(peer, -1)); }

    int socket = -1, peer = -1;
    Segment* partial = nullptr;  // held: it has been sent up to `offset`
    size_t offset = 0;
    size_t joined_at = 0;
    std::string received;
};

class LaneTest : public testing::Test {
  protected:
    static constexpr uint32_t kEndless = UINT32_MAX;

    void SetUp() override { open({Transport::Sse, false, true}); }
    void open(Encoding encoding) {
        lane = std::make_unique<Lane>(encoding, 0);
        stream.clear();
    }
    void TearDown() override { clients.clear(); }

    Client& join(uint32_t flags = 0, int send_buffer = 0) {
        clients.push_back(std::make_unique<Client>(send_buffer));
        Client& client = *clients.back();
        client.joined_at = stream.size();
        lane->join(client, client.socket, flags);
        return client;
    }
    void leave(Client& client) {
        lane->leave(client);
        std::erase_if(clients, [&](const auto& own) { return own.get() == &client; });
    }

    // Appends an event with the next seq; `stream` has what an unchunked reader gets of it.
    void append(std::string_view data, bool counts = true) {
        const OutEvent event{EventId{1, ++seq}, "", "", data};
        lane->append(event, counts, seq);
        append_event(stream, lane->encoding().transport, lane->encoding().ids, event);
    }
    void append_and_seal(std::string_view data) {
        append(data);
        lane->seal();
    }

    bool fan_out(uint32_t budget = kEndless) {
        const bool all = lane->fan_out(*this, budget, batch.get());
        if (batch) {
            Lane::flush(*batch, *this);
            lane->end_round();
        }
        return all;
    }
    // From here on `fan_out` goes through io_uring; false where the kernel has none.
    bool open_batch() {
        std::string refusal;
        batch = SendBatch::open(refusal);
        if (!batch)
            std::cerr << refusal << '\n';
        return batch != nullptr;
    }

    // What `client` has to get, without chunk framing.
    std::string_view expected(const Client& client) const {
        return std::string_view(stream).substr(client.joined_at);
    }

    // Sends to a busy slot what its socket takes; true when it has everything and is back in the
    // loop.
    bool flush(Client& client) {
        for (;;) {
            if (client.partial == nullptr) {
                const uint64_t next = lane->slot(client.slot).next;
                if (next == lane->end()) {
                    lane->clear_busy(client.slot);
                    return true;
                }
                hold(client, next, 0);
            }
            const size_t rest = client.partial->size() - client.offset;
            const ssize_t sent =
                send(client.socket, client.partial->data() + client.offset, rest, MSG_NOSIGNAL);
            if (sent < 0)
                return false;
            client.offset += static_cast<size_t>(sent);
            if (static_cast<size_t>(sent) < rest)
                return false;
            drop(std::exchange(client.partial, nullptr));
        }
    }

    void hold(Client& client, uint64_t ordinal, size_t offset) {
        client.partial = &lane->segment(ordinal);
        ++client.partial->holders;
        client.offset = offset;
        lane->set_busy(client.slot, ordinal + 1);
    }

    // -- what the lane calls
  public:
    void blocked(Slot& slot, uint32_t index, uint64_t ordinal, uint64_t offset) {
        EXPECT_EQ(slot.member->slot, index);
        calls += "blocked ";
        hold(static_cast<Client&>(*slot.member), ordinal, offset);
    }
    void indirect(Slot& slot, uint32_t index) {
        EXPECT_EQ(slot.member->slot, index);
        calls += "indirect ";
        auto& client = static_cast<Client&>(*slot.member);
        lane->set_busy(index, slot.next);
        flush(client);
    }
    void busy(Slot& slot, uint32_t index) {
        EXPECT_EQ(slot.member->slot, index);
        calls += "busy ";
    }
    void broken(Slot& slot, uint32_t index) {
        EXPECT_EQ(slot.member->slot, index);
        EXPECT_TRUE(slot.flags & kSlotDead);
        calls += "broken ";
    }

  protected:
    std::unique_ptr<Lane> lane;
    std::unique_ptr<SendBatch> batch;
    std::vector<std::unique_ptr<Client>> clients;
    std::string stream;  // everything appended since the lane is there
    std::string calls;
    uint64_t seq = 0;
};

// The bodies of HTTP/1.1 chunks, or "malformed".
inline std::string unchunked(std::string_view bytes) {
    std::string body;
    while (!bytes.empty()) {
        const size_t line = bytes.find("\r\n");
        if (line == std::string_view::npos || line == 0 || line > 8)
            return "malformed";
        const size_t size = std::stoul(std::string(bytes.substr(0, line)), nullptr, 16);
        bytes.remove_prefix(line + 2);
        if (size == 0 || bytes.size() < size + 2 || bytes.substr(size, 2) != "\r\n")
            return "malformed";
        body.append(bytes.substr(0, size));
        bytes.remove_prefix(size + 2);
    }
    return body;
}

}  // namespace herald

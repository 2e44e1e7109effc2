#include "delivery.hpp"

#include <sys/uio.h>

#include "hibernation.hpp"
#include "replay.hpp"
#include "worker.hpp"

namespace herald {

namespace {

enum class Sent { All, Blocked, Broken };

constexpr int kMaxVectors = 64;
constexpr int kMaxPieces = 16;  // of history in one go, before others get their turn

Subscriber& subscriber_of(Slot& slot) {
    return static_cast<Subscriber&>(*slot.member);
}

// Whether the lane has something that this subscriber may send now.
bool wants_lane(Subscriber& s) {
    return s.lane != nullptr && !s.starting && !s.is_trimmed() &&
           s.lane->slot(s.slot).next != s.lane->end();
}

void hold_next_segment(Subscriber& s) {
    const uint64_t next = s.lane->slot(s.slot).next;
    s.partial = &s.lane->segment(next);
    ++s.partial->holders;
    s.offset = 0;
    s.lane->set_busy(s.slot, next + 1);
}

void drop_partial(Subscriber& s) {
    drop(std::exchange(s.partial, nullptr));
    s.offset = 0;
}

void drop_first_piece(Subscriber& s) {
    s.outbox->pieces.erase(s.outbox->pieces.begin());
    s.outbox->offset = 0;
    if (s.outbox->pieces.empty())
        s.outbox.reset();
}

// -- Direct and Tls

// The bytes to send next, in order; returns how many vectors it filled. The lane's come last.
int gather(Subscriber& s, iovec* vectors, int room) {
    int count = 0;
    auto take = [&](const char* bytes, size_t size) {
        vectors[count++] = {const_cast<char*>(bytes), size};
    };
    if (s.partial != nullptr)
        take(s.partial->data() + s.offset, s.partial->size() - s.offset);
    if (s.outbox) {
        size_t offset = s.outbox->offset;
        for (const auto& piece : s.outbox->pieces) {
            if (count == room)
                return count;
            take(piece->data() + offset, piece->size() - offset);
            offset = 0;
        }
    }
    if (wants_lane(s)) {
        for (uint64_t at = s.lane->slot(s.slot).next; at != s.lane->end() && count < room; ++at)
            take(s.lane->segment(at).data(), s.lane->segment(at).size());
    }
    return count;
}

// Goes past `sent` bytes of what `gather` returned.
void advance(Subscriber& s, size_t sent) {
    if (s.partial != nullptr) {
        const size_t rest = s.partial->size() - s.offset;
        if (sent < rest) {
            s.offset += static_cast<uint32_t>(sent);
            return;
        }
        sent -= rest;
        drop_partial(s);
    }
    while (s.outbox) {
        const size_t rest = s.outbox->pieces.front()->size() - s.outbox->offset;
        if (sent < rest) {
            s.outbox->offset += sent;
            return;
        }
        sent -= rest;
        drop_first_piece(s);
    }
    while (sent != 0) {
        hold_next_segment(s);
        const size_t size = s.partial->size();
        if (sent < size) {
            s.offset = static_cast<uint32_t>(sent);
            return;
        }
        sent -= size;
        drop_partial(s);
    }
}

// Bytes sent, NGX_AGAIN or NGX_ERROR.
ssize_t send_vectors(Subscriber& s, iovec* vectors, int count) {
    if (s.path == Path::Tls) {
        // OpenSSL wants a blocked write repeated from the same address: the segment is held from
        // here on.
        if (s.partial == nullptr && !s.outbox)
            hold_next_segment(s);
        return s.connection->send(s.connection, static_cast<u_char*>(vectors[0].iov_base),
                                  vectors[0].iov_len);
    }
    msghdr message{};
    message.msg_iov = vectors;
    message.msg_iovlen = static_cast<size_t>(count);
    ssize_t sent;
    do {
        sent = sendmsg(s.connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return errno == EAGAIN ? NGX_AGAIN : NGX_ERROR;
    s.direct_bytes += static_cast<uint64_t>(sent);
    return sent;
}

// The segment that comes next, where it has a file; nullptr otherwise.
Segment* next_with_file(Subscriber& s) {
    if (s.path == Path::Tls)
        return nullptr;
    if (s.partial != nullptr)
        return s.partial->file == kNoPageFile ? nullptr : s.partial;
    if (s.outbox || !wants_lane(s))
        return nullptr;
    const uint64_t next = s.lane->slot(s.slot).next;
    return s.lane->file_of(next) == kNoPageFile ? nullptr : &s.lane->segment(next);
}

PagesSent send_pages(Subscriber& s, const Segment& segment) {
    size_t sent = 0;
    const PagesSent result =
        send_page_file(s.connection->fd, segment.file, s.offset, segment.size() - s.offset, sent);
    s.direct_bytes += sent;
    advance(s, sent);
    return result;
}

Sent send_direct(Subscriber& s) {
    for (bool pages = true;;) {
        if (const Segment* segment = pages ? next_with_file(s) : nullptr) {
            const PagesSent result = send_pages(s, *segment);
            if (result == PagesSent::Full)
                return Sent::Blocked;
            pages = result == PagesSent::All;
            continue;
        }
        iovec vectors[kMaxVectors];
        const int count = gather(s, vectors, kMaxVectors);
        if (count == 0)
            return Sent::All;
        size_t total = 0;
        for (int i = 0; i < (s.path == Path::Tls ? 1 : count); ++i)
            total += vectors[i].iov_len;
        const ssize_t sent = send_vectors(s, vectors, count);
        if (sent < 0)
            return sent == NGX_AGAIN ? Sent::Blocked : Sent::Broken;
        advance(s, static_cast<size_t>(sent));
        if (static_cast<size_t>(sent) < total)
            return Sent::Blocked;
    }
}

// -- Filter

ngx_chain_t* append_buffer(Subscriber& s, ngx_chain_t**& last, const char* bytes, size_t size) {
    ngx_chain_t* link = ngx_chain_get_free_buf(s.request->pool, &s.filtering->free);
    if (link == nullptr)
        throw std::bad_alloc();
    ngx_buf_t* buffer = link->buf;
    ngx_memzero(buffer, sizeof *buffer);
    buffer->tag = reinterpret_cast<ngx_buf_tag_t>(&ngx_http_herald_module);
    buffer->start = buffer->pos = reinterpret_cast<u_char*>(const_cast<char*>(bytes));
    buffer->end = buffer->last = buffer->start + size;
    buffer->memory = 1;
    link->next = nullptr;
    *last = link;
    last = &link->next;
    return link;
}

// Lets go of what nginx has sent meanwhile; true when nothing of ours is left with it.
bool reclaim(Subscriber& s, ngx_chain_t* out) {
    Filtering& with_nginx = *s.filtering;
    ngx_chain_update_chains(s.request->pool, &with_nginx.free, &with_nginx.busy, &out,
                            reinterpret_cast<ngx_buf_tag_t>(&ngx_http_herald_module));
    if (with_nginx.busy != nullptr)
        return false;
    for (Segment* segment : std::exchange(with_nginx.segments, {}))
        drop(segment);
    for (; with_nginx.pieces != 0; --with_nginx.pieces)
        drop_first_piece(s);
    return true;
}

// Whether nginx holds bytes that the socket did not take: the header, or what a body filter made of
// ours.
bool is_backed_up(ngx_http_request_t* r) {
    return r->out != nullptr || r->connection->buffered;
}

// Hands everything that there is to nginx's filters, once they are done with what they have.
Sent send_filter(Subscriber& s) {
    ngx_http_request_t* r = s.request;
    if (!s.filtering)
        s.filtering = std::make_unique<Filtering>();
    Filtering& with_nginx = *s.filtering;
    if (with_nginx.busy != nullptr) {
        if (ngx_http_output_filter(r, nullptr) == NGX_ERROR)
            return Sent::Broken;
        if (!reclaim(s, nullptr) || is_backed_up(r))
            return Sent::Blocked;
    }

    ngx_chain_t* chain = nullptr;
    ngx_chain_t** last = &chain;
    ngx_chain_t* newest = nullptr;
    uint32_t pieces = 0;
    if (s.outbox) {
        for (const auto& piece : s.outbox->pieces) {
            newest = append_buffer(s, last, piece->data(), piece->size());
            ++pieces;
        }
    }
    if (wants_lane(s)) {
        uint64_t at = s.lane->slot(s.slot).next;
        for (; at != s.lane->end(); ++at) {
            Segment& segment = s.lane->segment(at);
            newest = append_buffer(s, last, segment.data(), segment.size());
            with_nginx.segments.push_back(&segment);
            ++segment.holders;
        }
        s.lane->set_busy(s.slot, at);
    }
    if (newest == nullptr && !is_backed_up(r))
        return Sent::All;
    if (newest != nullptr)
        newest->buf->flush = 1;

    with_nginx.pieces = pieces;
    if (ngx_http_output_filter(r, chain) == NGX_ERROR) {
        with_nginx.busy = chain;  // its buffers must outlive what nginx may still hold of them
        return Sent::Broken;
    }
    return reclaim(s, chain) && !is_backed_up(r) ? Sent::All : Sent::Blocked;
}

// Once the header and the first bytes are out, the connection takes the path that was chosen for
// it.
bool leave_start(Subscriber& s) {
    ngx_http_request_t* r = s.request;
    if (s.later_path != Path::Filter &&
        (r->out != nullptr || r->buffered || r->connection->buffered || r->postponed != nullptr))
        return false;
    s.starting = false;
    s.path = s.later_path;
    if (s.path != Path::Filter)
        s.filtering.reset();
    if (s.lane != nullptr && s.path == Path::Direct)
        s.lane->make_direct(s.slot);
    return true;
}

// Waits for the socket. Until then the lane's loop leaves the subscriber alone.
void wait_for_socket(Subscriber& s) {
    if (s.lane != nullptr && !s.is_busy())
        s.lane->set_busy(s.slot, s.lane->slot(s.slot).next);
    ngx_event_t* write = s.connection->write;
    if (s.path == Path::Direct)
        write->ready = 0;
    if (ngx_handle_write_event(write, 0) != NGX_OK)
        give_up(s, CloseReason::Client);
}

// Holds a busy subscriber to its bound (herald_buffer).
void check_bound(Worker& worker, Subscriber& s) {
    Lane& lane = *s.lane;
    const BufferBound& bound = *s.settings->buffer;
    const uint64_t next = lane.slot(s.slot).next;
    auto fits = [&](uint64_t from) {
        return lane.bytes_before(lane.end()) - lane.bytes_before(from) <= bound.bytes &&
               (bound.events == 0 ||
                lane.events_before(lane.end()) - lane.events_before(from) <= bound.events);
    };
    if (fits(next))
        return;
    if (bound.disconnect) {
        give_up(s, CloseReason::Slow);
        return;
    }

    uint64_t keep = next;
    while (keep != lane.end() && !fits(keep))
        ++keep;
    const uint64_t lost = lane.events_before(keep) - lane.events_before(next);
    s.log.trimmed += lost;
    add(worker.counters.trimmed, lost);
    s.note_trim(lane.seq_before(next), lane.seq_before(keep));
    s.skip_to(keep);
}

}  // namespace

void deliver(Subscriber& s) {
    Worker& worker = *Worker::current();
    for (int pieces = 0;;) {
        if (s.dead || s.finishing)
            return;
        switch (s.path == Path::Filter ? send_filter(s) : send_direct(s)) {
            case Sent::Blocked:
                wait_for_socket(s);
                return;
            case Sent::Broken:
                give_up(s, CloseReason::Client);
                return;
            case Sent::All:
                break;
        }
        if (s.starting) {
            if (!leave_start(s)) {
                wait_for_socket(s);
                return;
            }
        } else if (s.phase == Phase::Replaying && !s.replay->waits) {
            if (++pieces > kMaxPieces) {
                worker.deliver_later(s);
                return;
            }
            continue_history(s);
        } else if (s.phase == Phase::Ending) {
            s.finishing = true;
            worker.finalize_later(s);
            return;
        } else if (s.is_trimmed()) {
            s.tell_trim();
        } else {
            if (s.is_busy())
                s.lane->clear_busy(s.slot);
            // A level-triggered method would go on reporting that the socket is writable.
            if (ngx_event_flags & NGX_USE_LEVEL_EVENT)
                (void)ngx_handle_write_event(s.connection->write, 0);
            worker.hibernation.consider(s);
            return;
        }
    }
}

void give_up(Subscriber& s, CloseReason reason) {
    if (s.dead)
        return;
    s.settle();
    if (s.log.reason == CloseReason::None)
        s.log.reason = reason;
    s.dead = true;
    if (s.lane != nullptr)
        s.lane->slot(s.slot).flags |= kSlotDead;
    Worker::current()->finalize_later(s);
}

void finalize(Subscriber& s) {
    if (!wake_up(s))
        return abandon(s);
    ngx_http_request_t* r = s.request;
    ngx_connection_t* connection = r->connection;
    Worker::current()->cancel_timer(s);
    s.leave_lane();
    if (s.dead) {
        ngx_http_finalize_request(r, NGX_ERROR);
    } else if (s.is_websocket()) {
        // The close frame must arrive: unread bytes in our socket would turn close() into a reset.
        r->lingering_close = 1;
        ngx_http_finalize_request(r, NGX_OK);
    } else if (s.rebuilt) {
        ngx_http_finalize_request(r, NGX_OK);
    } else {
        ngx_http_finalize_request(r, ngx_http_send_special(r, NGX_HTTP_LAST));
    }
    ngx_http_run_posted_requests(connection);
}

void on_writable(ngx_http_request_t* r) noexcept {
    guard(r->connection->log, [&] {
        Worker* worker = Worker::current();
        auto* s = subscriber_of(r);
        if (s == nullptr || worker == nullptr || r->connection->write->delayed)
            return;
        deliver(*s);
        worker->run_later();
    });
}

void LaneVisitor::blocked(Slot& slot, uint32_t index, uint64_t ordinal, uint64_t offset) {
    Subscriber& s = subscriber_of(slot);
    s.lane->set_busy(index, ordinal);
    if (offset != 0) {
        hold_next_segment(s);
        s.offset = static_cast<uint32_t>(offset);
    }
    wait_for_socket(s);
    check_bound(worker_, s);
}

void LaneVisitor::indirect(Slot& slot, uint32_t) {
    deliver(subscriber_of(slot));
}

void LaneVisitor::busy(Slot& slot, uint32_t) {
    check_bound(worker_, subscriber_of(slot));
}

void LaneVisitor::broken(Slot& slot, uint32_t) {
    give_up(subscriber_of(slot), CloseReason::Client);
}

}  // namespace herald

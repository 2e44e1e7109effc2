// One byte stream shared by many subscribers: the events of a topic in one encoding.
//
// What a wake brought is encoded once into a segment (for SSE over HTTP/1.1: one chunk) and sent to
// every subscriber, as a rule with one system call each. A subscriber owns no queue; its slot says
// which segment it needs next. Slots are dense and 32 bytes, so that the loop over thousands of
// them touches little memory.
//
//   segments   [ 41 | 42 | 43 | 44 ]  end_ = 45        ordinals; only what somebody still needs is
//   kept
//                      ▲         ▲
//         a busy slot ─┘         └─ slots that a running round has not reached yet
//
// A slot is busy while its subscriber cannot take more right now, or has bytes of its own to send
// first; it then holds a reference on its next segment. The others are always served up to the end
// of the last finished round. A round may stop half-way, when its budget of sends is used up, and
// go on later. A long segment for many goes out as pages of a file (page_file.hpp), which spares
// the copies; its bytes stay in memory, for who cannot use the file and for when it is closed.
// Single-threaded; does no I/O but such files and sending to the descriptors in direct slots, which
// are non-blocking sockets, one by one or through a batch; knows nothing of nginx.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <vector>

#include "compression.hpp"
#include "io_uring.hpp"
#include "page_file.hpp"

namespace herald {

// What a lane keeps about each of its subscribers outside the dense array: where in it the slot is.
struct LaneMember {
    uint32_t slot = UINT32_MAX;
};

struct Segment {
    uint32_t refs = 0;           // busy slots whose next segment this is
    uint32_t holders = 1;        // the lane, and subscribers that are in the middle of sending it
    uint32_t begin = 0;          // bytes before the first one to send (room for the chunk head)
    uint32_t end = 0;            // one past the last one
    uint32_t capacity = 0;       // bytes behind this struct
    bool is_judged = false;      // whether it is to have a file has been decided
    int file = kNoPageFile;      // with the same bytes, of which sockets get the pages
    uint64_t bytes_before = 0;   // of the lane, before this segment
    uint64_t events_before = 0;  // of the lane, before this segment
    uint64_t seq_before = 0;     // of the last event before this segment
    uint64_t last_seq = 0;       // of this segment's last event
    GzipSum sum_before;          // of the lane's texts before this segment; gzip alone

    char* bytes() { return reinterpret_cast<char*>(this + 1); }
    const char* data() { return bytes() + begin; }
    uint32_t size() const { return end - begin; }
};

// Lets go of a segment that was held (++holders); the last holder frees it.
void drop(Segment* segment);

enum SlotFlags : uint32_t {
    kSlotBusy = 1,      // not to be sent to from the loop
    kSlotIndirect = 2,  // plain `send` is not its way: through nginx
    kSlotDead = 4,      // its connection broke; about to be removed
};

struct Slot {
    int fd = -1;
    uint32_t flags = 0;
    uint64_t next = 0;   // ordinal of the segment it needs next
    uint64_t bytes = 0;  // sent past nginx's own counting
    LaneMember* member = nullptr;
};
static_assert(sizeof(Slot) == 32);

// How long one segment may get: the smallest bound of any subscriber, so that trimming can be
// exact.
struct LaneLimits {
    uint32_t bytes = 128 * 1024;
    uint32_t events = UINT32_MAX;
};

class Lane {
  public:
    explicit Lane(Encoding encoding, uint64_t last_seq)
        : encoding_(encoding), last_seq_(last_seq) {}
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    Encoding encoding() const { return encoding_; }

    // -- what goes in. `counts`: it is an event, not a notice. Throws bad_alloc; the lane stays
    // whole.
    void append(const OutEvent& event, bool counts, uint64_t now_ms);
    // Closes what was appended since: it becomes sendable. Returns its size in bytes.
    size_t seal();
    void limit(LaneLimits limits);

    // -- who gets it
    // A subscriber that has had everything so far. `member` outlives its slot; its index changes
    // when others leave.
    void join(LaneMember& member, int fd, uint32_t flags);
    void leave(LaneMember& member);
    // From now on plain `send` is the slot's way.
    void make_direct(uint32_t index);
    Slot& slot(uint32_t index) { return slots_[index]; }
    size_t size() const { return slots_.size(); }

    // -- positions
    uint64_t end() const { return end_; }
    Segment& segment(uint64_t ordinal) { return *segments_[ordinal - (end_ - segments_.size())]; }
    uint64_t events_before(uint64_t ordinal) {
        return ordinal == end_ ? events_ : segment(ordinal).events_before;
    }
    uint64_t bytes_before(uint64_t ordinal) {
        return ordinal == end_ ? bytes_ : segment(ordinal).bytes_before;
    }
    uint64_t seq_before(uint64_t ordinal) {
        return ordinal == end_ ? last_seq_ : segment(ordinal).seq_before;
    }
    // gzip: of all texts before a segment, be it one that is not sealed yet.
    const GzipSum& sum_before(uint64_t ordinal) {
        if (ordinal != end_)
            return segment(ordinal).sum_before;
        return building_ != nullptr ? building_->sum_before : sum_;
    }
    uint64_t last_event_ms() const { return last_event_ms_; }
    // Forgets what its seqs meant: the next ones belong to another log.
    void restart_seq(uint64_t seq);

    // Makes a slot busy, needing `ordinal` next; or moves one that is.
    void set_busy(uint32_t index, uint64_t ordinal);
    // Back into the loop. The slot has had everything.
    void clear_busy(uint32_t index);

    // Frees the segments that nobody needs any more.
    void release();
    // Memory of the segments of all lanes, and of those that a subscriber alone still holds.
    static uint64_t held_bytes();
    // Keeps it in there from now on; nullptr: no longer.
    static void show_held_bytes(std::atomic<uint64_t>* gauge);

    // The file of a segment that is worth one, or kNoPageFile. For who sends past nginx.
    int file_of(uint64_t ordinal) noexcept;

    // -- fan-out
    // Serves slots until all have everything or the budget (sends) is used up; true when all are
    // served. The visitor must not add or remove slots:
    //   blocked(slot, index, ordinal, offset)   socket full after `offset` bytes of segment
    //   `ordinal` indirect(slot, index)                   send through nginx; it updates the slot
    //   itself busy(slot, index)                       still behind: look at its bound broken(slot,
    //   index)                     the connection is dead (the slot has been marked)
    //
    // With a batch, true means: served or in the batch. Slots that are in it count as served, and
    // no slot may be added or removed, until `flush`; then the lane's round is to be ended.
    template <class Visitor>
    bool fan_out(Visitor& visitor, uint32_t& budget, SendBatch* batch = nullptr);
    // Sends the batch, for all lanes that have put something into it.
    template <class Visitor>
    static void flush(SendBatch& batch, Visitor& visitor);
    // Ends the round that has gone past all slots.
    void end_round();

  private:
    enum class Sent { All, Blocked, Broken };
    // Sends from `offset` bytes of segment `ordinal` on, and adds to `sent` how many bytes the
    // socket took. All: of what it tried to send, which may end before the lane does.
    Sent send_once(int fd, uint64_t ordinal, uint64_t offset, size_t& sent);
    Sent send_from_memory(int fd, uint64_t ordinal, uint64_t offset, size_t& sent);
    // Goes on with that until all is sent or the socket is full, and moves both on.
    Sent send_to(Slot& slot, uint64_t& ordinal, uint64_t& offset);
    template <class Visitor>
    void send_rest(Visitor& visitor, uint32_t index, uint64_t offset);
    template <class Visitor>
    void take_back(Visitor& visitor, const BatchedSend& send);
    void make_room(size_t bound);
    void append_compressed(const OutEvent& event);
    void hold(uint64_t ordinal);
    void unhold(uint64_t ordinal);
    void note_file(uint64_t ordinal) noexcept;
    void close_spare_files();

    Encoding encoding_;
    LaneLimits limits_;
    std::vector<Slot> slots_;
    std::deque<Segment*> segments_;  // owned; oldest first; the last one has ordinal end_ - 1
    uint64_t end_ = 0;
    std::deque<uint64_t> with_file_;  // segments that have a file, oldest first
    uint32_t direct_ = 0;             // slots that are sent to from the loop
    uint32_t busy_ = 0;
    uint32_t busy_at_end_ = 0;     // busy slots that need the segment that will be end_
    Segment* building_ = nullptr;  // owned; not sendable yet
    uint32_t building_events_ = 0;

    uint32_t round_index_ = 0;  // the next slot to serve
    uint64_t round_end_ = 0;    // what the running round, or else the last one, serves at least
    bool round_running_ = false;
    uint64_t served_ = 0;  // every slot that is not busy has all before this ordinal

    uint64_t bytes_ = 0;   // sealed so far
    uint64_t events_ = 0;  // appended and sealed so far
    uint64_t last_seq_ = 0;
    uint64_t last_event_ms_ = 0;
    GzipSum sum_;  // of all texts that were appended
};

template <class Visitor>
bool Lane::fan_out(Visitor& visitor, uint32_t& budget, SendBatch* batch) {
    for (;;) {
        if (!round_running_) {
            if (served_ == end_)
                return true;
            round_running_ = true;
            round_index_ = 0;
            round_end_ = end_;
        }
        while (round_index_ < slots_.size()) {
            if (budget == 0)
                return false;
            if (batch != nullptr && batch->is_full())
                flush(*batch, visitor);
            const uint32_t index = round_index_++;
            Slot& slot = slots_[index];
            if (slot.flags & kSlotDead)
                continue;
            if (slot.flags & kSlotBusy) {
                visitor.busy(slot, index);
                continue;
            }
            if (slot.next == end_)
                continue;
            --budget;
            if (slot.flags & kSlotIndirect) {
                visitor.indirect(slot, index);
                continue;
            }
            if (batch != nullptr && slot.next + 1 == end_ && file_of(slot.next) == kNoPageFile) {
                Segment& part = segment(slot.next);
                batch->add({this, slot.next, part.data(), part.size(), index, slot.fd, 0});
                slot.bytes += part.size();
                slot.next = end_;
                continue;
            }
            send_rest(visitor, index, 0);
        }
        if (batch != nullptr && !batch->is_empty()) {
            if (round_end_ == end_)
                return true;
            flush(*batch, visitor);  // no slot may be in it twice
        }
        end_round();
    }
}

// Sends what a slot needs, without the first `offset` bytes.
template <class Visitor>
void Lane::send_rest(Visitor& visitor, uint32_t index, uint64_t offset) {
    Slot& slot = slots_[index];
    uint64_t ordinal = slot.next;
    switch (send_to(slot, ordinal, offset)) {
        case Sent::All:
            slot.next = end_;
            break;
        case Sent::Blocked:
            visitor.blocked(slot, index, ordinal, offset);
            break;
        case Sent::Broken:
            slot.flags |= kSlotDead;
            visitor.broken(slot, index);
            break;
    }
}

template <class Visitor>
void Lane::flush(SendBatch& batch, Visitor& visitor) {
    batch.flush([&](const BatchedSend& send) { send.lane->take_back(visitor, send); });
}

// A slot's socket has not taken all: what is left goes out as without a batch, and whatever that
// comes to is the slot's state.
template <class Visitor>
void Lane::take_back(Visitor& visitor, const BatchedSend& send) {
    const auto sent = static_cast<uint32_t>(std::max(send.result, 0));
    Slot& slot = slots_[send.slot];
    slot.bytes -= send.size - sent;
    slot.next = send.ordinal;
    if (send.result == BatchedSend::kUnknown) {
        slot.flags |= kSlotDead;  // a gap or a repetition in its stream would be worse
        visitor.broken(slot, send.slot);
        return;
    }
    send_rest(visitor, send.slot, sent);
}

}  // namespace herald

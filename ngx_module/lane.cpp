#include "lane.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace herald {

namespace {

constexpr uint32_t kChunkHead =
    10;                             // 8 hex digits and CRLF; bytes kept free before the first event
constexpr uint32_t kChunkTail = 2;  // CRLF
constexpr uint32_t kSmallest = 4096 - sizeof(Segment);
constexpr int kMaxVectors = 64;

// What a segment and its subscribers must come to for the copies that a file spares to be worth
// more than the file.
constexpr uint32_t kLongSegment = 32 << 10;  // bytes
constexpr uint32_t kManySlots = 32;

// Files that one lane keeps for those who were blocked in the last round: a part of what the
// process may have.
constexpr size_t kMostKept = kMostPageFiles / 4;

uint64_t g_held_bytes = 0;
std::atomic<uint64_t>* g_gauge = nullptr;

// Memory that was taken, and given back.
void count(uint64_t taken, uint64_t given_back) {
    g_held_bytes += taken - given_back;
    if (g_gauge != nullptr)
        g_gauge->store(g_held_bytes, std::memory_order_relaxed);
}

Segment* new_segment(uint32_t capacity) {
    void* memory = std::malloc(sizeof(Segment) + capacity);
    if (memory == nullptr)
        throw std::bad_alloc();
    auto* segment = new (memory) Segment;
    segment->capacity = capacity;
    count(capacity, 0);
    return segment;
}

void grow(Segment*& segment, uint32_t capacity) {
    void* memory = std::realloc(static_cast<void*>(segment), sizeof(Segment) + capacity);
    if (memory == nullptr)
        throw std::bad_alloc();
    segment = static_cast<Segment*>(memory);
    count(capacity, segment->capacity);
    segment->capacity = capacity;
}

// Whoever still needs the bytes goes on from memory.
void close_file(Segment& segment) {
    if (segment.file == kNoPageFile)
        return;
    close_page_file(std::exchange(segment.file, kNoPageFile));
    count(0, segment.size());
}

// Writes the chunk's head right before its first byte, without leading zeros, and its tail.
void close_chunk(Segment& segment) {
    char digits[8];
    const uint32_t length = segment.end - kChunkHead;
    char* end = std::to_chars(digits, digits + 8, length, 16).ptr;
    const auto count = static_cast<uint32_t>(end - digits);
    segment.begin = kChunkHead - 2 - count;
    std::memcpy(segment.bytes() + segment.begin, digits, count);
    std::memcpy(segment.bytes() + kChunkHead - 2, "\r\n", 2);
    std::memcpy(segment.bytes() + segment.end, "\r\n", kChunkTail);
    segment.end += kChunkTail;
}

}  // namespace

void drop(Segment* segment) {
    if (--segment->holders != 0)
        return;
    close_file(*segment);
    count(0, segment->capacity);
    std::free(segment);
}

Lane::~Lane() {
    if (building_ != nullptr)
        drop(building_);
    for (Segment* segment : segments_)
        drop(segment);
}

void Lane::restart_seq(uint64_t seq) {
    last_seq_ = seq;
    for (Segment* segment : segments_)
        segment->seq_before = segment->last_seq = seq;
    if (building_ != nullptr)
        building_->last_seq = seq;
}

void Lane::limit(LaneLimits limits) {
    limits_.bytes = std::max(1024u, std::min(limits_.bytes, limits.bytes));
    limits_.events = std::max(1u, std::min(limits_.events, limits.events));
}

void Lane::append(const OutEvent& published, bool counts, uint64_t now_ms) {
    OutEvent event = published;
    if (counts && !encoding_.names)
        event.event = {};
    if (encoding_.compressed) {
        append_compressed(event);
    } else {
        make_room(encoded_bound(encoding_.transport, event));
        char* start = building_->bytes() + building_->end;
        char* end = encode_event(encoding_.transport, encoding_.ids, event, start);
        building_->end += static_cast<uint32_t>(end - start);
    }
    if (counts) {
        ++building_events_;
        last_event_ms_ = now_ms;
    }
    if (event.id)
        building_->last_seq = event.id->seq;
}

void Lane::append_compressed(const OutEvent& event) {
    thread_local std::string bytes;  // memory for one event, used again
    bytes.clear();
    GzipSum sum = sum_;
    append_compressed_event(bytes, encoding_, event, sum);
    make_room(bytes.size());
    std::memcpy(building_->bytes() + building_->end, bytes.data(), bytes.size());
    building_->end += static_cast<uint32_t>(bytes.size());
    sum_ = sum;
}

void Lane::make_room(size_t bound) {
    if (building_ != nullptr &&
        (building_->end + bound > limits_.bytes || building_events_ >= limits_.events))
        seal();

    const size_t wanted = bound + kChunkHead + kChunkTail;
    if (building_ == nullptr) {
        building_ = new_segment(std::max(kSmallest, static_cast<uint32_t>(wanted)));
        building_->begin = building_->end = encoding_.chunked ? kChunkHead : 0;
        building_->last_seq = last_seq_;
        building_->sum_before = sum_;
    } else if (building_->end + wanted > building_->capacity) {
        grow(building_, static_cast<uint32_t>(2 * building_->capacity + wanted));
    }
}

size_t Lane::seal() {
    if (building_ == nullptr)
        return 0;
    segments_.push_back(building_);
    Segment& segment = *building_;
    building_ = nullptr;

    if (encoding_.chunked)
        close_chunk(segment);
    segment.refs = busy_at_end_;
    busy_at_end_ = 0;
    segment.bytes_before = bytes_;
    segment.events_before = events_;
    segment.seq_before = last_seq_;

    bytes_ += segment.size();
    events_ += building_events_;
    last_seq_ = segment.last_seq;
    building_events_ = 0;
    ++end_;
    return segment.size();
}

void Lane::join(LaneMember& member, int fd, uint32_t flags) {
    Slot slot;
    slot.fd = fd;
    slot.flags = flags & ~uint32_t{kSlotBusy};
    slot.next = end_;
    slot.member = &member;
    slots_.push_back(slot);
    direct_ += (flags & kSlotIndirect) == 0;
    member.slot = static_cast<uint32_t>(slots_.size() - 1);
    if (flags & kSlotBusy)
        set_busy(member.slot, end_);
}

void Lane::leave(LaneMember& member) {
    uint32_t hole = member.slot;
    if (slots_[hole].flags & kSlotBusy)
        unhold(slots_[hole].next);
    direct_ -= (slots_[hole].flags & kSlotIndirect) == 0;
    member.slot = UINT32_MAX;

    auto move = [this](uint32_t from, uint32_t to) {
        if (from == to)
            return;
        slots_[to] = slots_[from];
        slots_[to].member->slot = to;
    };
    // In a running round a slot that was not served yet must not move to where the loop has been
    // already: the last served one fills the hole, and the very last one takes its place.
    if (round_running_ && hole < round_index_) {
        --round_index_;
        move(round_index_, hole);
        hole = round_index_;
    }
    move(static_cast<uint32_t>(slots_.size() - 1), hole);
    slots_.pop_back();

    if (slots_.empty()) {
        round_running_ = false;
        served_ = end_;
    }
    if (!round_running_)
        release();
}

void Lane::make_direct(uint32_t index) {
    Slot& slot = slots_[index];
    direct_ += (slot.flags & kSlotIndirect) != 0;
    slot.flags &= ~uint32_t{kSlotIndirect};
}

void Lane::hold(uint64_t ordinal) {
    ++busy_;
    if (ordinal == end_)
        ++busy_at_end_;
    else
        ++segment(ordinal).refs;
}

void Lane::unhold(uint64_t ordinal) {
    --busy_;
    if (ordinal == end_)
        --busy_at_end_;
    else
        --segment(ordinal).refs;
}

void Lane::set_busy(uint32_t index, uint64_t ordinal) {
    Slot& slot = slots_[index];
    hold(ordinal);
    if (slot.flags & kSlotBusy)
        unhold(slot.next);
    slot.flags |= kSlotBusy;
    slot.next = ordinal;
}

void Lane::clear_busy(uint32_t index) {
    Slot& slot = slots_[index];
    unhold(slot.next);
    slot.flags &= ~uint32_t{kSlotBusy};
    slot.next = end_;
    if (!round_running_)
        release();
}

void Lane::release() {
    while (!segments_.empty()) {
        Segment* front = segments_.front();
        if (front->refs != 0 || end_ - segments_.size() >= served_)
            return;
        if (!with_file_.empty() && with_file_.front() == end_ - segments_.size())
            with_file_.pop_front();
        if (front->holders - 1 < kManySlots)  // who is in the middle of it
            close_file(*front);
        segments_.pop_front();
        drop(front);
    }
}

void Lane::end_round() {
    if (!round_running_ || round_index_ < slots_.size())
        return;
    round_running_ = false;
    served_ = round_end_;
    release();
    close_spare_files();
}

// Behind a round only those who were blocked need what is still here. For a few of them a file is
// not worth its memory, and many of them are not to take all files from other lanes. The newest go
// first: those are needed last.
void Lane::close_spare_files() {
    const size_t kept = busy_ < kManySlots ? 0 : kMostKept;
    auto served = std::lower_bound(with_file_.begin(), with_file_.end(), served_);
    while (static_cast<size_t>(served - with_file_.begin()) > kept) {
        --served;
        close_file(segment(*served));
        served = with_file_.erase(served);
    }
}

uint64_t Lane::held_bytes() {
    return g_held_bytes;
}

void Lane::show_held_bytes(std::atomic<uint64_t>* gauge) {
    g_gauge = gauge;
    count(0, 0);
}

// Without memory to note it the file is closed again.
void Lane::note_file(uint64_t ordinal) noexcept {
    try {
        with_file_.insert(std::upper_bound(with_file_.begin(), with_file_.end(), ordinal), ordinal);
    } catch (const std::bad_alloc&) {
        close_file(segment(ordinal));
    }
}

int Lane::file_of(uint64_t ordinal) noexcept {
    Segment& of = segment(ordinal);
    if (!std::exchange(of.is_judged, true) && of.size() >= kLongSegment && direct_ >= kManySlots) {
        of.file = make_page_file({of.data(), of.size()});
        if (of.file != kNoPageFile) {
            count(of.size(), 0);
            note_file(ordinal);
        }
    }
    return of.file;
}

Lane::Sent Lane::send_once(int fd, uint64_t ordinal, uint64_t offset, size_t& sent) {
    if (const int file = file_of(ordinal); file != kNoPageFile) {
        size_t pages = 0;
        const size_t size = segment(ordinal).size() - offset;
        const PagesSent result = send_page_file(fd, file, offset, size, pages);
        sent += pages;
        if (result != PagesSent::Refused)
            return result == PagesSent::All ? Sent::All : Sent::Blocked;
        offset += pages;
    }
    return send_from_memory(fd, ordinal, offset, sent);
}

Lane::Sent Lane::send_from_memory(int fd, uint64_t ordinal, uint64_t offset, size_t& sent) {
    iovec vectors[kMaxVectors];
    msghdr message{};
    message.msg_iov = vectors;
    size_t tried = 0;
    for (uint64_t at = ordinal; at != end_ && message.msg_iovlen < kMaxVectors; ++at) {
        if (at != ordinal && file_of(at) != kNoPageFile)
            break;
        Segment& part = segment(at);
        vectors[message.msg_iovlen++] = {const_cast<char*>(part.data()), part.size()};
        tried += part.size();
    }
    vectors[0].iov_base = static_cast<char*>(vectors[0].iov_base) + offset;
    vectors[0].iov_len -= offset;
    tried -= offset;

    // One segment is the rule; `send` spares the kernel the copy of a vector.
    ssize_t now;
    do {
        now = message.msg_iovlen == 1
                  ? ::send(fd, vectors[0].iov_base, tried, MSG_NOSIGNAL | MSG_DONTWAIT)
                  : ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (now < 0 && errno == EINTR);
    if (now < 0)
        return errno == EAGAIN ? Sent::Blocked : Sent::Broken;
    sent += static_cast<size_t>(now);
    return static_cast<size_t>(now) == tried ? Sent::All : Sent::Blocked;
}

Lane::Sent Lane::send_to(Slot& slot, uint64_t& ordinal, uint64_t& offset) {
    for (;;) {
        size_t sent = 0;
        const Sent result = send_once(slot.fd, ordinal, offset, sent);
        slot.bytes += sent;
        size_t rest = offset + sent;
        while (ordinal != end_ && rest >= segment(ordinal).size()) {
            rest -= segment(ordinal).size();
            ++ordinal;
        }
        offset = rest;
        if (result != Sent::All || ordinal == end_)
            return result;
    }
}

}  // namespace herald

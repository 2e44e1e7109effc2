// A timer wheel: many deadlines per worker behind one nginx timer. O(1) to set and to cancel.
//
// Deadlines are rounded up to kTick; one that lies beyond the wheel's horizon stays in its slot for
// as many turns as it takes. Nodes are intrusive: the owner keeps them alive until they fire or are
// cancelled. Single-threaded.
#pragma once

#include <array>
#include <cstdint>

namespace herald {

class Wheel {
  public:
    static constexpr uint64_t kTick = 50;     // milliseconds
    static constexpr uint32_t kSlots = 1024;  // a turn is 51.2 s

    struct Node {
        Node* next = nullptr;  // both null: not set
        Node* previous = nullptr;
        uint64_t due = 0;       // tick
        void* owner = nullptr;  // the wheel does not look at it
    };

    Wheel() {
        for (Node& head : heads_)
            head.next = head.previous = &head;
    }
    Wheel(const Wheel&) = delete;
    Wheel& operator=(const Wheel&) = delete;

    // Sets or moves a node to fire at `due_ms`, never early; one in the past fires at the next
    // `advance`.
    void set(Node& node, uint64_t due_ms) {
        cancel(node);
        uint64_t tick = (due_ms + kTick - 1) / kTick;
        if (tick <= now_)
            tick = now_ + 1;
        node.due = tick;
        Node& head = heads_[tick % kSlots];
        node.previous = head.previous;
        node.next = &head;
        node.previous->next = &node;
        head.previous = &node;
        ++count_;
    }

    void cancel(Node& node) {
        if (node.next == nullptr)
            return;
        node.previous->next = node.next;
        node.next->previous = node.previous;
        node.next = node.previous = nullptr;
        --count_;
    }

    bool empty() const { return count_ == 0; }

    // When a node that is set fires, in milliseconds.
    static uint64_t due_ms(const Node& node) { return node.due * kTick; }

    // The wheel's clock, milliseconds; to be called once before the first `set`.
    void start(uint64_t now_ms) { now_ = now_ms / kTick; }

    // When `advance` should be called next, in milliseconds; at most a turn away. Only when not
    // empty.
    uint64_t next_due() const {
        for (uint64_t tick = now_ + 1; tick < now_ + kSlots; ++tick) {
            const Node& head = heads_[tick % kSlots];
            if (head.next != &head)
                return tick * kTick;
        }
        return (now_ + kSlots) * kTick;
    }

    // Calls fire(Node&) for every node that is due. Each is out of the wheel by then; `fire` may
    // set or cancel any node.
    template <class Fire>
    void advance(uint64_t now_ms, Fire&& fire) {
        const uint64_t until = now_ms / kTick;
        if (until <= now_)
            return;
        const uint64_t first = until - now_ >= kSlots ? until - kSlots + 1 : now_ + 1;
        now_ = until;
        for (uint64_t tick = first; tick <= until; ++tick) {
            // Taken out first: what `fire` sets lands behind `until`, and cannot be met in this
            // loop.
            Node due;
            due.next = due.previous = &due;
            Node& head = heads_[tick % kSlots];
            for (Node* node = head.next; node != &head;) {
                Node* next = node->next;
                if (node->due <= until) {
                    node->previous->next = node->next;
                    node->next->previous = node->previous;
                    node->previous = due.previous;
                    node->next = &due;
                    due.previous->next = node;
                    due.previous = node;
                }
                node = next;
            }
            while (due.next != &due) {
                Node& node = *due.next;
                cancel(node);
                fire(node);
            }
        }
    }

  private:
    std::array<Node, kSlots> heads_;
    uint64_t now_ = 0;  // the last tick that has fired
    uint64_t count_ = 0;
};

}  // namespace herald

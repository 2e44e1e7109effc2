#include "chaos_writer.hpp"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "ring_message.hpp"

namespace herald::fault {

namespace {

using ring::Step;

constexpr uint64_t kCapacities[] = {8 << 10, 16 << 10, 32 << 10, 128 << 10};
constexpr uint64_t kMostRepeated = 40;  // records of the journal's tail that a new ring starts with

// What happens between the writer's steps.
class Chaos {
  public:
    Chaos(const WriterPlan& plan, Shared& shared)
        : plan_(plan), shared_(shared), dice_(plan.seed) {}

    void watch(ring::Header& header) { header_ = &header; }
    // The record that is appended next.
    void expect(uint64_t seq, uint64_t size) {
        seq_ = seq;
        size_ = size;
        ++records_;
    }

    void operator()(Step step) {
        mutate(step);
        const bool last = plan_.dies_after == records_;
        if (plan_.damages && last && step == Step::BodyWritten)
            damage();
        if (step == Step::Published)
            shared_.incarnations[plan_.incarnation].published.store(seq_,
                                                                    std::memory_order_release);
        if (last && step == plan_.dies_at)
            die();
        // Readers see the steps in between for longer than an append lasts.
        if (step != Step::Published && dice_.one_in(200))
            sched_yield();
    }

  private:
    void die() {
        if (!plan_.exits)
            raise(SIGKILL);
        _exit(kPlannedExit);
    }

    void mutate(Step step) {
        auto& intent = header_->intent;
        switch (plan_.mutant) {
            case WriterMutant::None:
                return;
            case WriterMutant::NoIntent:
                if (step == Step::Intended)
                    intent.store(0);
                return;
            case WriterMutant::LateIntent:
                if (step == Step::Intended)
                    end_ = intent.exchange(end_);
                else if (step == Step::BodyWritten)
                    intent.store(end_);
                return;
            case WriterMutant::EarlyTail:
                if (step == Step::Intended)
                    header_->tail.store(intent.load());
                return;
            case WriterMutant::SilentEviction:
                header_->evicted_seq.store(0);
                return;
        }
    }

    // A header that contradicts itself, in a new way each time.
    void damage() {
        const uint64_t position = header_->intent.load() - size_;
        auto* record =
            reinterpret_cast<ring::RecordHeader*>(reinterpret_cast<std::byte*>(header_) +
                                                  ring::kHeaderSize + position % header_->capacity);
        shared_.incarnations[plan_.incarnation].vandal.store(seq_, std::memory_order_release);
        switch (dice_.below(8)) {
            case 0:
                record->length = 0;
                break;
            case 1:
                record->length = UINT32_MAX - 70;
                break;
            case 2:
                record->kind = ring::Kind{0};
                break;
            case 3:
                record->kind = ring::Kind{77};
                break;
            case 4:
                record->kind = ring::Kind::Padding;
                record->length = 0;
                break;
            case 5:
                record->channel_length = UINT16_MAX;
                break;
            case 6:
                record->data_length = UINT32_MAX;
                break;
            default:
                record->length += 64;
                record->data_length += 64;  // consistent, but beyond the tail
        }
    }

    const WriterPlan& plan_;
    Shared& shared_;
    Random dice_;
    ring::Header* header_ = nullptr;
    uint64_t seq_ = 0, size_ = 0, records_ = 0;
    uint64_t end_ = 0;
};

struct ChaosProbe {
    Chaos* chaos;
    void operator()(Step step) const { (*chaos)(step); }
};

// Lets the readers catch up, for a while: without it they would only ever be lapped.
void wait_for_readers(const Shared& shared, uint64_t seq) {
    for (int turns = 0; turns < 3000; ++turns) {
        const bool all = std::all_of(std::begin(shared.readers), std::end(shared.readers),
                                     [&](const ReaderState& reader) {
                                         return reader.last.load(std::memory_order_relaxed) >= seq;
                                     });
        if (all)
            return;
        sched_yield();
    }
}

}  // namespace

void run_writer(const WriterPlan& plan, Shared& shared, int socket) {
    Random dice(plan.seed + 1);
    Messages messages(plan.run_seed);

    // The journal's tail comes first: what was journaled, but may not have reached a ring.
    const uint64_t journaled = shared.journaled.load();
    const uint64_t repeated = std::min(journaled, 1 + dice.below(kMostRepeated));
    ring::WriterOptions options;
    options.capacity = kCapacities[dice.below(std::size(kCapacities))];
    options.log = 1;
    options.base_seq = journaled - repeated;
    options.hash_seed = dice();
    options.incarnation = plan.incarnation;

    Chaos chaos(plan, shared);
    ring::BasicWriter<ChaosProbe> writer(options, ChaosProbe{&chaos});
    chaos.watch(writer.header());
    if (!send_ring(socket, {plan.incarnation, writer.map_size(), writer.fd()}))
        _exit(1);

    uint64_t next_pause = options.base_seq + 1 + dice.below(50);
    for (uint64_t seq = options.base_seq + 1; seq <= plan.until; ++seq) {
        if (seq > journaled)
            shared.journaled.store(seq, std::memory_order_release);
        const ring::NewRecord record = messages.make(seq);
        chaos.expect(seq, ring::aligned(sizeof(ring::RecordHeader) + record.channel.size() +
                                        record.event.size() + record.data.size()));
        writer.append(record);
        if (seq >= next_pause) {
            if (!dice.one_in(3))
                wait_for_readers(shared, seq);
            next_pause = seq + dice.below(dice.one_in(4) ? 2000 : 100);
        }
    }
    while (plan.waits_for_kill)
        pause();
    _exit(0);
}

}  // namespace herald::fault

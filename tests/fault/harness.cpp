#include "harness.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <system_error>

#include "chaos_reader.hpp"

namespace herald::fault {

namespace {

struct NoBounds : ring::AllChecks {
    static constexpr bool kBounds = false;
};
struct NoIntentOnHeader : ring::AllChecks {
    static constexpr bool kIntentOnHeader = false;
};
struct NoIntentOnBody : ring::AllChecks {
    static constexpr bool kIntentOnBody = false;
};

constexpr uint64_t kStuckMs = 30'000;  // without progress

uint64_t now_ms() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000;
}

void turn() {
    const timespec moment{0, 50'000};
    nanosleep(&moment, nullptr);
}

// A child that ends with its parent. `body` does not return.
template <class Body>
pid_t spawn(Body&& body) {
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0)
        throw std::system_error(errno, std::generic_category(), "fork");
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    body();
    _exit(1);
}

struct Channel {
    Channel() {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    ~Channel() {
        close(ends[0]);
        close(ends[1]);
    }
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    int ends[2];
};

class Harness {
  public:
    explicit Harness(const RunOptions& options)
        : options_(options), shared_(make_shared_state(options.kills + 2)), dice_(options.seed) {}

    ~Harness() {
        for (pid_t pid : readers_) {
            if (pid > 0) {
                kill(pid, SIGKILL);
                waitpid(pid, nullptr, 0);
            }
        }
    }
    Harness(const Harness&) = delete;
    Harness& operator=(const Harness&) = delete;

    bool run() {
        for (int i = 0; i < kReaders; ++i)
            start_reader(i);
        const uint64_t lives = options_.kills + 1;
        for (uint64_t life = 1; life <= lives; ++life) {
            if (!live(plan(life, lives)))
                return false;
        }
        for (Channel& channel : channels_)
            send_ring(channel.ends[0], {0, 0, -1});
        return wait_until("the readers' end", [] { return false; });
    }

    void print(uint64_t milliseconds) const {
        std::printf("%" PRIu64 " messages, %" PRIu64 " kills (%" PRIu64 " from outside), %" PRIu64
                    " damaged records, %.1f s\n",
                    shared_.journaled.load(), kills_, outside_, damages_,
                    static_cast<double>(milliseconds) / 1000);
        for (int i = 0; i < kReaders; ++i) {
            const ReaderState& r = shared_.readers[i];
            std::printf("reader %d: accepted %" PRIu64 ", peeked %" PRIu64 ", lapped %" PRIu64
                        " times, reported lost %" PRIu64 ", met again %" PRIu64
                        ", rechecked %" PRIu64 ", damaged rings %" PRIu64 "\n",
                        i, r.accepted.load(), r.peeked.load(), r.lapped.load(), r.lost.load(),
                        r.skipped.load(), r.rechecked.load(), r.damaged.load());
        }
    }

    // A run in which nobody was overtaken, or nobody kept up, has tested nothing.
    bool was_worth_it() const {
        for (const ReaderState& reader : shared_.readers) {
            const uint64_t read = reader.accepted.load() + reader.peeked.load();
            if (reader.lapped.load() == 0 || read * 20 < options_.messages) {
                std::fprintf(stderr, "the run was no test: too few records, or never lapped\n");
                return false;
            }
        }
        return true;
    }

  private:
    void start_reader(int index) {
        readers_[index] = spawn([&] {
            for (int i = 0; i < kReaders; ++i)  // or it would not hear of the harness's death
                close(channels_[i].ends[0]);
            const int socket = channels_[index].ends[1];
            switch (options_.reader) {
                case ReaderMutant::None:
                    ChaosReader<ring::AllChecks>(index, shared_, socket, options_.seed).run();
                case ReaderMutant::NoBounds:
                    ChaosReader<NoBounds>(index, shared_, socket, options_.seed).run();
                case ReaderMutant::NoIntentOnHeader:
                    ChaosReader<NoIntentOnHeader>(index, shared_, socket, options_.seed).run();
                case ReaderMutant::NoIntentOnBody:
                    ChaosReader<NoIntentOnBody>(index, shared_, socket, options_.seed).run();
            }
        });
    }

    WriterPlan plan(uint64_t life, uint64_t lives) {
        const uint64_t journaled = shared_.journaled.load();
        const uint64_t left = options_.messages - journaled;
        const uint64_t share = 2 * left / (lives - life + 1) + 1;
        WriterPlan plan;
        plan.incarnation = life;
        plan.seed = dice_();
        plan.run_seed = options_.seed;
        plan.mutant = options_.writer;
        if (life == lives) {
            plan.until = options_.messages;
            return plan;
        }
        plan.until = journaled + std::min(left, dice_.below(share));
        plan.waits_for_kill = true;
        if (dice_.one_in(3))
            return plan;  // killed from outside

        plan.dies_after = 1 + dice_.below(plan.until - journaled + 1);
        plan.dies_at = static_cast<ring::Step>(dice_.below(6));
        plan.exits = dice_.one_in(4);
        plan.damages = options_.writer == WriterMutant::None && dice_.one_in(6);
        if (plan.damages)
            plan.dies_at = ring::Step::Published;
        return plan;
    }

    // One life of a writer, from its ring to its death.
    bool live(const WriterPlan& plan) {
        Channel channel;
        const uint64_t goal = plan.until - dice_.below(10);
        const pid_t writer = spawn([&] { run_writer(plan, shared_, channel.ends[1]); });

        RingMessage ring;
        bool sent = false, killed = false, dead = false;
        int status = 0;
        const bool fine = wait_until("the writer's death", [&] {
            if (!sent && receive_ring(channel.ends[0], 0, ring) == Receipt::Ring)
                sent = forward(ring);
            const bool last = !plan.waits_for_kill;
            if (!last && plan.dies_after == 0 && !killed &&
                (shared_.journaled.load() >= goal || dice_.one_in(2000))) {
                for (uint64_t turns = dice_.below(3000); turns > 0; --turns)
                    std::atomic_signal_fence(std::memory_order_seq_cst);
                kill(writer, SIGKILL);
                killed = true;
            }
            dead = waitpid(writer, &status, WNOHANG) == writer;
            return dead;
        });
        if (!dead) {
            kill(writer, SIGKILL);
            waitpid(writer, &status, 0);
        }
        if (!fine)
            return false;
        if (!sent && receive_ring(channel.ends[0], 0, ring) == Receipt::Ring)
            sent = forward(ring);
        return judge(plan, status, killed) && wait_for_readers(plan.incarnation);
    }

    bool judge(const WriterPlan& plan, int status, bool killed) {
        const bool last = !plan.waits_for_kill;
        const bool by_signal = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        const bool by_exit = WIFEXITED(status) && WEXITSTATUS(status) == (last ? 0 : kPlannedExit);
        if (!(last ? by_exit : plan.exits ? by_exit : by_signal)) {
            std::fprintf(stderr, "writer %" PRIu64 " ended with status %x\n", plan.incarnation,
                         static_cast<unsigned>(status));
            return false;
        }
        kills_ += !last;
        outside_ += killed;
        damages_ += shared_.incarnations[plan.incarnation].vandal.load() != 0;
        return true;
    }

    bool forward(const RingMessage& ring) {
        for (Channel& channel : channels_)
            send_ring(channel.ends[0], ring);
        close(ring.fd);
        newest_ = ring.incarnation;
        return true;
    }

    // Readers may be one ring behind, so that each ring is read while it is written.
    bool wait_for_readers(uint64_t incarnation) {
        const uint64_t wanted = std::min(newest_, incarnation - 1);
        return wait_until("the readers", [&] {
            return std::all_of(
                std::begin(shared_.readers), std::end(shared_.readers),
                [&](const ReaderState& reader) { return reader.attached.load() >= wanted; });
        });
    }

    // False when a reader failed, or nothing moved for too long; at the run's end, true when all
    // readers have left in peace.
    template <class Condition>
    bool wait_until(const char* what, Condition&& condition) {
        uint64_t seen = 0, since = now_ms();
        while (!condition()) {
            int left = 0;
            for (pid_t& pid : readers_) {
                int status = 0;
                if (pid > 0 && waitpid(pid, &status, WNOHANG) == pid) {
                    pid = 0;
                    if (status != 0) {
                        std::fprintf(stderr, "a reader ended with status %x\n",
                                     static_cast<unsigned>(status));
                        return false;
                    }
                }
                left += pid > 0;
            }
            if (left == 0)
                return true;
            uint64_t progress = shared_.journaled.load();
            for (const ReaderState& reader : shared_.readers)
                progress += reader.last.load() + reader.attached.load();
            if (progress != seen)
                since = now_ms();
            else if (now_ms() - since > kStuckMs) {
                std::fprintf(stderr, "nothing has moved for %" PRIu64 " s while waiting for %s\n",
                             kStuckMs / 1000, what);
                return false;
            }
            seen = progress;
            turn();
        }
        return true;
    }

    RunOptions options_;
    Shared& shared_;
    Random dice_;
    Channel channels_[kReaders];
    pid_t readers_[kReaders] = {};
    uint64_t newest_ = 0;  // the last ring that was forwarded
    uint64_t kills_ = 0, outside_ = 0, damages_ = 0;
};

}  // namespace

bool run_harness(const RunOptions& options) {
    const uint64_t start = now_ms();
    Harness harness(options);
    const bool fine = harness.run();
    if (options.prints)
        harness.print(now_ms() - start);
    return fine && harness.was_worth_it();
}

}  // namespace herald::fault

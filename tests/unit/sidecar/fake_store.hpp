// A projection in memory that answers history, and fails when it is told to: what it shows after a
// failure is what it showed at the last commit, as with a transaction.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "sidecar/history_store.hpp"

namespace herald::sidecar {

class FakeStore final : public HistoryStore {
  public:
    struct State {
        std::vector<std::string> calls{};  // "open", "skip 1-4", "commit 7", ... but not "apply"
        std::vector<uint64_t> shown{};     // seqs, in order
        std::vector<uint64_t> committed{};
        uint64_t seq = 0;  // how far it has got
        uint64_t committed_seq = 0;
        int opens = 0;
        int commits = 0;
        int asked = 0;
        ring::questions::HistoryQuestion last_question{};

        // How often each of these fails from now on.
        int open_fails = 0;
        int apply_fails = 0;
        int commit_fails = 0;
        int answer_fails = 0;
        bool gone = false;  // until it is opened again, with nothing in it
    };

    std::string name() const override { return "fake"; }

    uint64_t open() override {
        uint64_t seq = 0;
        change([&](State& s) {
            ++s.opens;
            s.calls.push_back("open");
            fail(s.open_fails, "open");
            if (s.gone) {
                s.committed.clear();
                s.committed_seq = 0;
                s.gone = false;
            }
            s.shown = s.committed;
            s.seq = s.committed_seq;
            seq = s.seq;
        });
        return seq;
    }
    void apply(const JournalEntry& entry) override {
        if (on_apply)
            on_apply(entry.id.seq);
        change([&](State& s) {
            fail(s.apply_fails, "apply");
            s.shown.push_back(entry.id.seq);
            s.seq = entry.id.seq;
        });
    }
    void skip(uint64_t from_seq, uint64_t to_seq) override {
        change([&](State& s) {
            s.calls.push_back("skip " + std::to_string(from_seq) + "-" + std::to_string(to_seq));
            s.seq = to_seq;
        });
    }
    void commit() override {
        change([](State& s) {
            ++s.commits;
            fail(s.commit_fails, "commit");
            s.committed = s.shown;
            s.committed_seq = s.seq;
            s.calls.push_back("commit " + std::to_string(s.seq));
        });
    }
    void tend(uint64_t) override {
        change([](State& s) { s.calls.push_back("tend"); });
    }

    // The seq it has got to, as text.
    std::string answer(const ring::questions::HistoryQuestion& question) override {
        std::string text;
        change([&](State& s) {
            ++s.asked;
            s.last_question = question;
            fail(s.answer_fails, "answer");
            text = std::to_string(s.seq);
        });
        return text;
    }
    bool is_gone() const override {
        const std::lock_guard lock(mutex_);
        return state_.gone;
    }

    // -- the test's thread
    State state() const {
        const std::lock_guard lock(mutex_);
        return state_;
    }
    template <class Change>
    void change(Change change_state) {
        const std::lock_guard lock(mutex_);
        struct Notify {
            std::condition_variable& changed;
            ~Notify() { changed.notify_all(); }
        } notify{changed_};
        change_state(state_);
    }
    // Whether the state becomes such that `is_right`. What does not within half a minute never
    // will.
    bool await(const std::function<bool(const State&)>& is_right) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return is_right(state_); });
    }

    std::function<void(uint64_t seq)> on_apply{};  // set before the thread starts

  private:
    static void fail(int& times, const char* what) {
        if (times == 0)
            return;
        --times;
        throw std::runtime_error(std::string("told to fail in ") + what);
    }

    mutable std::mutex mutex_{};
    std::condition_variable changed_{};
    State state_{};
};

}  // namespace herald::sidecar

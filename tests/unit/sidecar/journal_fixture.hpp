// A state directory with a journal in it, and what its tests do with one: write entries, read all,
// end in order or as `kill -9` does, let the disk fail.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "run_until.hpp"
#include "sidecar/disk_calls.hpp"
#include "sidecar/files.hpp"
#include "sidecar/journal.hpp"
#include "sidecar/journal_entry.hpp"
#include "sidecar/journal_files.hpp"
#include "sidecar/journal_reader.hpp"
#include "sidecar/loop.hpp"
#include "sidecar/step.hpp"
#include "temporary_directory.hpp"

namespace herald::sidecar {

// Errors that the disk's calls return from now on: 0 for none.
struct Faults {
    int write = 0;
    size_t write_room = 0;  // bytes that go before `write` fails
    int sync = 0;
    int cut = 0;
    int syncs = 0;  // calls so far
};
inline Faults g_faults;

inline ssize_t faulty_write(int fd, const void* bytes, size_t size) {
    if (g_faults.write == 0)
        return ::write(fd, bytes, size);
    if (g_faults.write_room == 0) {
        errno = g_faults.write;
        return -1;
    }
    const size_t part = std::min(size, g_faults.write_room);
    g_faults.write_room -= part;
    return ::write(fd, bytes, part);
}

inline int faulty_sync(int) {
    ++g_faults.syncs;
    errno = g_faults.sync;
    return g_faults.sync == 0 ? 0 : -1;
}

inline int faulty_cut(int fd, off_t size) {
    errno = g_faults.cut;
    return g_faults.cut == 0 ? ::ftruncate(fd, size) : -1;
}

// Replaces a file's content. Quicker than `replace_file`, which waits for the disk.
inline void put_file(const std::string& path, std::string_view content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

class JournalFixture : public testing::Test {
  protected:
    JournalFixture() {
        g_faults = {};
        g_disk = {faulty_write, faulty_sync, faulty_cut};
    }
    ~JournalFixture() override {
        stop();
        g_disk = {};
        g_at_step = nullptr;
    }

    void start(JournalConfig config = {}) {
        state_ = std::make_unique<StateDirectory>(directory_ / "s");
        loop_ = std::make_unique<Loop>();
        journal_ = std::make_unique<Journal>(loop_->get(), *state_, config);
    }
    void start(Fsync fsync) {
        JournalConfig config;
        config.fsync = fsync;
        start(config);
    }

    // An end in order.
    void stop() {
        journal_.reset();
        if (loop_)
            loop_->close();
        loop_.reset();
        state_.reset();
    }

    // The end that `kill -9` makes: what is on disk stays exactly as it is.
    void kill() {
        const std::string promise = read_file(continuity_path());
        stop();
        put_file(continuity_path(), promise);
    }

    // As if the machine had been started anew since.
    void reboot() {
        Continuity continuity(continuity_path());
        Promise promise = continuity.promise();
        promise.boot = "another-boot";
        continuity.keep(promise);
    }

    static std::string data_of(uint64_t seq) { return "{\"n\":" + std::to_string(seq) + "}"; }

    std::string line(uint64_t seq) const {
        std::string out;
        const std::string data = data_of(seq);
        append_line(out, {ring::Kind::Event,
                          false,
                          {journal_->log(), seq},
                          0,
                          1763719200123 + seq,
                          "jobs:1",
                          "progress",
                          data});
        return out;
    }

    // Appends the entries as one batch, and reserves their seqs, as the owner does.
    bool write(uint64_t first, uint64_t last) {
        std::string lines;
        for (uint64_t seq = first; seq <= last; ++seq)
            lines += line(seq);
        const bool written = journal_->write(lines, first, last);
        journal_->reserve(last);
        return written;
    }

    std::vector<uint64_t> read_all(uint64_t after = 0) {
        JournalReader reader(journal_->segments(), after);
        return read_rest(reader);
    }
    std::vector<uint64_t> read_rest(JournalReader& reader) {
        std::vector<uint64_t> seqs;
        JournalEntry entry;
        while (reader.next(entry) == JournalReader::Read::Entry) {
            EXPECT_TRUE(entry.kind != ring::Kind::Event || entry.data == data_of(entry.id.seq));
            seqs.push_back(entry.id.seq);
        }
        bad_lines_ = reader.bad_lines();
        return seqs;
    }

    // Lets the loop run until `done` says so.
    void run_until(const std::function<bool()>& done) { sidecar::run_until(loop_->get(), done); }

    std::string journal_path() const { return directory_ / "s/journal"; }
    std::string continuity_path() const { return directory_ / "s/continuity"; }
    std::vector<std::string> segment_paths() const {
        std::vector<std::string> paths;
        for (const Segment& segment : list_journal(journal_path()).segments)
            paths.push_back(segment.path);
        return paths;
    }

    TemporaryDirectory directory_{};
    std::unique_ptr<StateDirectory> state_{};
    std::unique_ptr<Loop> loop_{};
    std::unique_ptr<Journal> journal_{};
    uint64_t bad_lines_ = 0;
};

inline std::vector<uint64_t> seqs(uint64_t first, uint64_t last) {
    std::vector<uint64_t> all;
    for (; first <= last; ++first)
        all.push_back(first);
    return all;
}

}  // namespace herald::sidecar

// The projection: keeps the store open, and lets go of it when something fails.
#include "sidecar/index.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <utility>

#include "sidecar/index_database.hpp"
#include "sidecar/index_pruner.hpp"
#include "sidecar/index_reader.hpp"
#include "sidecar/index_store.hpp"
#include "sidecar/log.hpp"

namespace herald::sidecar {

Index::Index(std::string path, const std::vector<Feed>& feeds,
             const std::function<uint64_t()>& journal_end, size_t cached_channels)
    : path_(std::move(path)),
      feeds_(feeds),
      folders_(std::filesystem::path(path_).parent_path(), feeds),
      cached_channels_(cached_channels) {
    if (journal_end)
        journal_end_ = journal_end();
}

Index::~Index() {
    close();
}

void Index::close() {
    reader_.reset();
    pruner_.reset();
    store_.reset();
}

// Does something with the store; closes it where that fails, so that nothing half done can be
// committed.
template <class Work>
auto Index::guarded(Work&& work) {
    try {
        return work();
    } catch (const sqlite::Error& error) {
        damaged_ = error.is_damage();
        close();
        throw;
    } catch (...) {
        close();
        throw;
    }
}

IndexStore& Index::store() {
    if (!store_)
        throw std::runtime_error("the index is not open");
    return *store_;
}

uint64_t Index::open() {
    close();
    return guarded([&] {
        const bool damaged = std::exchange(damaged_, false);
        store_ = open_store(damaged);
        pruner_ = std::make_unique<IndexPruner>(*store_);
        reader_ = std::make_unique<IndexReader>(*store_);
        return store_->applied_seq();
    });
}

std::unique_ptr<IndexStore> Index::open_store(bool damaged) {
    const auto open = [&](bool is_damaged) {
        return std::make_unique<IndexStore>(path_, is_damaged, feeds_, cached_channels_);
    };
    auto store = open(damaged);
    if (journal_end_ && store->applied_seq() > *journal_end_) {
        log::error(log::Line("index is ahead of the journal, building it anew")
                       .with("index", store->applied_seq())
                       .with("journal", *journal_end_)
                       .with("set_aside", path_ + ".old"));
        store.reset();
        set_index_aside(path_);
        store = open(false);
    }
    journal_end_.reset();
    return store;
}

void Index::apply(const JournalEntry& entry) {
    if (entry.id.seq <= applied_seq() && store_)
        throw std::logic_error("the index has had seq " + std::to_string(entry.id.seq) +
                               " already: it is at " + std::to_string(applied_seq()));
    if (entry.id.seq > INT64_MAX || entry.kind == ring::Kind::Padding)
        throw std::logic_error("the index was given what is no entry of a journal");
    guarded([&] { store().add(entry); });
}

void Index::skip(uint64_t from_seq, uint64_t to_seq) {
    if (store_ && (from_seq != applied_seq() || to_seq < from_seq || to_seq > INT64_MAX))
        throw std::logic_error("the index is at " + std::to_string(applied_seq()) +
                               " and cannot skip from " + std::to_string(from_seq) + " to " +
                               std::to_string(to_seq));
    guarded([&] { store().skip_to(to_seq); });
}

void Index::commit() {
    guarded([&] { store().commit(); });
}

void Index::tend(uint64_t now_ms) {
    guarded([&] {
        IndexStore& open_store = store();
        pruner_->prune(now_ms);
        open_store.commit();
    });
}

uint64_t Index::applied_seq() const {
    return store_ ? store_->applied_seq() : 0;
}

std::string Index::answer(const ring::questions::HistoryQuestion& question) {
    return guarded([&] {
        store();
        std::string bytes = reader_->answer(question);
        ring::questions::HistoryAnswer head;
        std::memcpy(&head, bytes.data(), sizeof head);
        // One that has had no event may have a folder already.
        if (head.known == 0 && std::ranges::any_of(question.channels, [&](const auto& channel) {
                return folders_.exists(channel);
            })) {
            head.known = 1;
            std::memcpy(bytes.data(), &head, sizeof head);
        }
        return bytes;
    });
}

bool Index::is_gone() const {
    return !store_ || store_->is_gone();
}

}  // namespace herald::sidecar

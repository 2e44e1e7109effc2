// An entry is one source with what has come of it; the store counts who wants it.
#include "sidecar/key_store.hpp"

#include <openssl/sha.h>

#include <utility>

#include "ring/trust.hpp"
#include "sidecar/background.hpp"
#include "sidecar/files.hpp"
#include "sidecar/key_set.hpp"
#include "sidecar/log.hpp"
#include "sidecar/small_file.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kKidsShown = 32;
constexpr size_t kKidShown = 64;  // bytes

std::string sha256_hex(std::string_view text) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    std::string hex;
    for (const unsigned char byte : digest) {
        hex += "0123456789abcdef"[byte >> 4];
        hex += "0123456789abcdef"[byte & 15];
    }
    return hex;
}

bool is_url(std::string_view source) {
    return source.starts_with("url:");
}

std::string location_of(std::string_view source) {
    return std::string(source.substr(source.find(':') + 1));
}

std::string kids_for_log(const KeySetText& set) {
    std::string text;
    for (size_t i = 0; i < set.kids.size() && i < kKidsShown; ++i)
        text += (i == 0 ? "" : ",") + log::shorten(set.kids[i], kKidShown);
    return text;
}

}  // namespace

class KeyStore::Entry final : private KeyTaker {
  public:
    Entry(KeyStore& store, std::string source)
        : store_(store),
          source_(std::move(source)),
          shown_(is_url(source_) ? url_for_log(location_of(source_)) : location_of(source_)),
          forget_(make_timer(store.loop_, this)) {
        begin();
    }

    size_t watchers = 0;

    const std::string* keys() const { return keys_.empty() ? nullptr : &keys_; }
    void refetch() noexcept {
        if (origin_)
            origin_->refetch();
    }

    void forget_later() noexcept {
        uv_timer_start(
            forget_.get(),
            [](uv_timer_t* timer) noexcept {
                Entry& self = owner_of<Entry>(timer);
                self.store_.entries_.erase(self.source_);
            },
            store_.options_.forget_ms, 0);
    }
    void remember() noexcept { uv_timer_stop(forget_.get()); }

  private:
    void begin() {
        const std::string location = location_of(source_);
        KeyTaker& taker = *this;
        const KeyStoreOptions& options = store_.options_;
        if (!is_url(source_)) {
            origin_ =
                std::make_unique<FileKeys>(store_.loop_, location, options.watch_times, taker);
            return;
        }
        if (const std::string fault = fault_of_url(location); !fault.empty()) {
            log::error(log::Line("key set refused").with("source", shown_).with("reason", fault));
            return;
        }
        read_saved();
        origin_ = std::make_unique<HttpsKeys>(store_.loop_, store_.curl_, location, options.fetch,
                                              options.fetch_times, taker);
    }

    bool on_bytes(std::string_view bytes) override {
        std::string why;
        auto set = read_key_set(bytes, why);
        if (!set) {
            on_failure(why);
            return false;
        }
        if (!told_.empty()) {
            told_.clear();
            log::info(entry("key set is well again", *set));
        }
        const bool fresh = take(*set, "key set changed");
        if (fresh && is_url(source_))
            save();
        return true;
    }

    // Each reason once per outage.
    void on_failure(std::string_view reason) override {
        if (told_.size() >= kMaxTold || !told_.emplace(reason).second)
            return;
        log::error(log::Line("key set not to be had")
                       .with("source", shown_)
                       .with("reason", reason)
                       .with("keys", keys_.empty() ? "none" : "the last ones"));
    }

    // Whether it is another set than before.
    bool take(KeySetText& set, std::string_view message) {
        if (set.json == keys_)
            return false;
        if (set.secret != 0)
            log::warn(log::Line("key set holds private or symmetric keys, which are left out; they "
                                "are secret and have no place there")
                          .with("source", shown_)
                          .with("count", set.secret));
        log::info(entry(message, set));
        keys_ = std::move(set.json);
        store_.changed_(source_);
        return true;
    }

    log::Line entry(std::string_view message, const KeySetText& set) const {
        log::Line line(message);
        line.with("source", shown_).with("keys", set.keys).with("kids", kids_for_log(set));
        return line;
    }

    // -- the state directory

    std::string saved_path() const {
        return store_.options_.directory + "/" + sha256_hex(source_) + ".json";
    }

    // What was fetched before the sidecar's last end, until something better comes.
    void read_saved() {
        auto saved = std::make_shared<std::string>();
        run_in_background(
            store_.loop_, alive_,
            [saved, path = saved_path()] {
                std::string ignored;
                *saved = read_small_file(path, ring::trust::kMaxKeySet, ignored);
            },
            [this, saved] {
                std::string ignored;
                auto set = read_key_set(*saved, ignored);
                if (set && keys_.empty())
                    take(*set, "key set of an earlier run");
            });
    }

    // One write at a time, so that the newest is the last.
    void save() {
        if (std::exchange(saving_, true)) {
            save_again_ = true;
            return;
        }
        auto error = std::make_shared<std::string>();
        try {
            run_in_background(
                store_.loop_, alive_,
                [error, path = saved_path(), keys = keys_, directory = store_.options_.directory] {
                    try {
                        make_directories(directory, 0750);
                        replace_file(path, keys);
                    } catch (const std::exception& problem) {
                        *error = problem.what();
                    }
                },
                [this, error] { on_saved(*error); });
        } catch (const std::exception& problem) {
            on_saved(problem.what());
        }
    }

    void on_saved(const std::string& error) {
        saving_ = false;
        if (!error.empty())
            log::error(log::Line("key set not saved").with("source", shown_).with("reason", error));
        if (std::exchange(save_again_, false))
            save();
    }

    static constexpr size_t kMaxTold = 16;

    KeyStore& store_;
    std::string source_;
    std::string shown_;                          // for the log
    std::string keys_{};                         // JSON; empty: none so far
    std::set<std::string, std::less<>> told_{};  // failures of this outage
    bool saving_ = false;
    bool save_again_ = false;
    Handle<uv_timer_t> forget_;
    std::unique_ptr<KeySource> origin_{};                     // none: the source cannot be served
    std::shared_ptr<void> alive_ = std::make_shared<char>();  // jobs under way hold it weakly
};

KeyStore::KeyStore(uv_loop_t* loop, KeyStoreOptions options, Changed changed)
    : loop_(loop), options_(std::move(options)), changed_(std::move(changed)), curl_(loop) {}

KeyStore::~KeyStore() = default;

bool KeyStore::watch(const std::string& source) {
    auto found = entries_.find(source);
    if (found == entries_.end()) {
        make_room();
        if (entries_.size() >= options_.max_sources) {
            log::error(log::Line("key set refused")
                           .with("reason", "more than " + std::to_string(options_.max_sources) +
                                               " sources are watched"));
            return false;
        }
        found = entries_.emplace(source, std::make_unique<Entry>(*this, source)).first;
    }
    ++found->second->watchers;
    found->second->remember();
    return true;
}

void KeyStore::unwatch(const std::string& source) noexcept {
    const auto found = entries_.find(source);
    if (found != entries_.end() && found->second->watchers != 0 && --found->second->watchers == 0)
        found->second->forget_later();
}

// Sources that nobody watches go before new ones are refused.
void KeyStore::make_room() noexcept {
    if (entries_.size() >= options_.max_sources)
        std::erase_if(entries_, [](const auto& entry) { return entry.second->watchers == 0; });
}

void KeyStore::refetch(std::string_view source) noexcept {
    if (const auto found = entries_.find(source); found != entries_.end())
        found->second->refetch();
}

const std::string* KeyStore::keys_of(const std::string& source) const {
    const auto found = entries_.find(source);
    return found == entries_.end() ? nullptr : found->second->keys();
}

}  // namespace herald::sidecar

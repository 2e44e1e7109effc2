// One look, or the publishing of its differences, at a time: so what was told is always one whole
// state of the file.
#include "sidecar/ingest/ingest_registry.hpp"

#include <utility>

#include "sidecar/background.hpp"
#include "sidecar/log.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kTogether = 256;           // events of one turn of the loop ...
constexpr size_t kBytesTogether = 1 << 20;  // ... and about so many bytes
constexpr uint64_t kRetryMs = 1000;         // while the journal cannot be written
constexpr uint64_t kSayAfterMs = 2000;  // what is over sooner, as a file half written, is not told

}  // namespace

IngestRegistry::IngestRegistry(uv_loop_t* loop, const IngestConfig& config, std::string table,
                               Segments& segments, const std::function<uint64_t()>& journal_end,
                               OwnEvents& events, uint64_t settle_ms)
    : loop_(loop),
      config_(config),
      events_(events),
      times_{settle_ms, static_cast<unsigned>(config.poll_ms)},
      table_from_(segments.last_seq()),
      table_(std::move(table), config.channel, journal_end),
      table_ready_(make_handle<uv_async_t>(this, "wait for the table of runs",
                                           [loop](uv_async_t* async) {
                                               return uv_async_init(
                                                   loop, async, [](uv_async_t* ready) noexcept {
                                                       owner_of<IngestRegistry>(ready).take_table();
                                                   });
                                           })),
      again_timer_(make_timer(loop, this)),
      publish_timer_(make_timer(loop, this)),
      say_timer_(make_timer(loop, this)),
      thread_(table_, segments, this) {}

// -- the projection's thread

bool IngestRegistry::visit() {
    if (table_read_ || !thread_.is_open() || thread_.applied_seq() < table_from_)
        return false;
    auto runs = table_.runs();
    {
        const std::lock_guard lock(mutex_);
        from_table_ = std::move(runs);
    }
    table_read_ = true;
    uv_async_send(table_ready_.get());
    return false;
}

// -- the loop's thread

void IngestRegistry::take_table() noexcept {
    try {
        {
            const std::lock_guard lock(mutex_);
            known_.told = std::move(from_table_);
        }
        known_.max_size = config_.max_size;
        view_.show(known_.told);
        watch_ = std::make_unique<FileWatch>(loop_, config_.registry, times_, [this] { look(); });
        look();
    } catch (const std::exception& error) {
        log::error(log::Line("ingest registry is not watched").with("reason", error.what()));
    }
}

void IngestRegistry::look() noexcept {
    // A file that moves is left alone for its time.
    if (uv_is_active(reinterpret_cast<uv_handle_t*>(again_timer_.get())))
        return;
    if (looking_ || next_) {
        again_ = true;
        return;
    }
    try {
        auto look = std::make_shared<Look>();
        run_in_background(
            loop_, alive_,
            [look, path = config_.registry, known = known_] {
                *look = look_at_registry(path, known);
            },
            [this, look] { on_look(*look); });
        looking_ = true;
        again_ = false;
    } catch (const std::exception&) {
        watch_->look_soon();  // later, when there is memory
    }
}

void IngestRegistry::on_look(Look& look) {
    looking_ = false;
    known_.seen = look.key;
    switch (look.found) {
        case Look::Found::Moving:
            uv_timer_start(
                again_timer_.get(),
                [](uv_timer_t* timer) noexcept { owner_of<IngestRegistry>(timer).look(); }, kRestMs,
                0);
            return;
        case Look::Found::Good:
            return accept(look);
        case Look::Found::Bad:
            known_.judged = look.key;
            note("the registry " + look.wrong + ". What it said last counts");
            break;
        case Look::Found::Nothing:
            known_.judged.reset();
            note("the registry " + look.wrong + ". What it said last counts");
            break;
        case Look::Found::Same:
            break;
    }
    if (again_)
        watch_->look_soon();
}

void IngestRegistry::accept(Look& look) {
    note(look.left_out == 0 ? std::string()
                            : std::to_string(look.left_out) +
                                  " entries of the registry are left out: no object with an id, or "
                                  "an id that is there already");
    known_.judged = look.key;
    next_ = std::move(look.runs);
    changes_ = std::move(look.changes);
    published_ = 0;
    view_.show(next_);
    publish();
}

// Some of the changes; the others follow in the loop's next turns.
void IngestRegistry::publish() noexcept {
    uint64_t pause_ms = 0;
    try {
        size_t bytes = 0;
        for (size_t n = 0; n < kTogether && bytes < kBytesTogether; ++n) {
            if (published_ == changes_.size())
                break;
            const std::string message = message_of(changes_[published_]);
            if (!events_.add_own(config_.channel, message)) {
                pause_ms = kRetryMs;
                break;
            }
            ++published_;
            bytes += message.size();
        }
        events_.commit_own();
        if (published_ == changes_.size())
            return finish_publishing();
    } catch (const std::exception&) {
        pause_ms = kRetryMs;  // when there is memory
    }
    uv_timer_start(
        publish_timer_.get(),
        [](uv_timer_t* timer) noexcept { owner_of<IngestRegistry>(timer).publish(); }, pause_ms, 0);
}

void IngestRegistry::finish_publishing() noexcept {
    drop_in_background(std::exchange(known_.told, std::exchange(next_, nullptr)),
                       std::exchange(changes_, {}));
    published_ = 0;
    if (again_)
        watch_->look_soon();
}

// To let go of very many runs takes its time as well.
void IngestRegistry::drop_in_background(std::shared_ptr<const RunSnapshot> runs,
                                        std::vector<RunChange> changes) noexcept {
    struct Old {
        std::shared_ptr<const RunSnapshot> runs;
        std::vector<RunChange> changes;
    };
    try {
        auto old = std::make_shared<Old>(Old{std::move(runs), std::move(changes)});
        run_in_background(
            loop_, alive_, [old] { *old = {}; }, [] {});
    } catch (const std::exception&) {
        // Then here and now.
    }
}

// -- what is told of it

void IngestRegistry::note(std::string problem) {
    problem_ = std::move(problem);
    if (problem_ == said_ || uv_is_active(reinterpret_cast<uv_handle_t*>(say_timer_.get())))
        return;
    uv_timer_start(
        say_timer_.get(), [](uv_timer_t* timer) noexcept { owner_of<IngestRegistry>(timer).say(); },
        kSayAfterMs, 0);
}

void IngestRegistry::say() noexcept {
    if (problem_ == said_)
        return;
    try {
        if (problem_.empty())
            log::info(log::Line("ingest registry is whole again").with("file", config_.registry));
        else
            log::warn(log::Line("ingest registry")
                          .with("file", config_.registry)
                          .with("problem", problem_));
        said_ = problem_;
    } catch (const std::exception&) {
        // Out of memory: the view says the same.
    }
}

}  // namespace herald::sidecar

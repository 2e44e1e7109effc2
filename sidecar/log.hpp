// The console log: one entry a line on stdout, flushed at once.
//
//   2026-11-21T10:00:00.123Z INFO redis connected address=127.0.0.1:6379 feeds=2
//
// Values are quoted and escaped where they need it, so that no byte that somebody else wrote (a
// channel name, a peer's error text) can forge an entry or steer a terminal.
// Nothing is logged before `start`. Once it has returned, any thread may log: entries come out
// whole, in one order. A `Limit` belongs to one thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace herald::sidecar::log {

// A message with its fields, in the order in which they were added.
class Line {
  public:
    explicit Line(std::string_view message) : text_(message) {}

    Line& with(std::string_view key, std::string_view value);
    template <std::integral Number>
    Line& with(std::string_view key, Number value) {
        return verbatim(key, std::to_string(value));
    }

    // Adds a value as it is. The caller knows that it holds no line break.
    Line& verbatim(std::string_view key, std::string_view value);

    const std::string& text() const { return text_; }

  private:
    std::string text_;
};

// The value as `with` writes it: bare where that is unambiguous, else in double quotes.
std::string quote(std::string_view value);

// The text with what `quote` would escape in it escaped, but quotes and backslashes, and without
// quotes around it.
std::string harmless(std::string_view text);

// The first `limit` bytes, cut at a whole character, with "..." behind what was cut.
std::string shorten(std::string_view value, size_t limit);

// Keeps entries that strangers can cause down to `per_second`.
class Limit {
  public:
    explicit Limit(uint32_t per_second) : per_second_(per_second) {}

    // Whether an entry may be made at `now_ms`. The first one of a second that comes after
    // suppressed ones gets a field with their number.
    bool admits(uint64_t now_ms, Line& line);

  private:
    uint32_t per_second_;
    uint64_t second_ = 0;
    uint32_t made_ = 0;
    uint64_t suppressed_ = 0;
};

void start();
void flush() noexcept;

enum class Level : uint8_t { Debug, Info, Warning, Error };

// A line of its own form, for those who know Python's logging; the time is the local one.
//
//   2026-11-21 10:00:00,123 [events] INFO: [events] Job 7 | Type: job_started
//
// The caller knows that `text` holds no line break.
void event(Level level, std::string_view text) noexcept;

void info(const Line& line) noexcept;
void warn(const Line& line) noexcept;
void error(const Line& line) noexcept;

}  // namespace herald::sidecar::log

// spdlog does the writing; the lines are put together here, with everything escaped that is not
// plain text.
#include "sidecar/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

#include "ring/utf8.hpp"

namespace herald::sidecar::log {

namespace {

// Does not change after `start`; its sink has a mutex.
std::shared_ptr<spdlog::logger> logger;
std::shared_ptr<spdlog::logger> event_logger;

// The level in capitals, which spdlog's own pattern does not offer. `warning`: how that level is
// called.
class LevelFlag : public spdlog::custom_flag_formatter {
  public:
    explicit LevelFlag(std::string_view warning) : warning_(warning) {}

    void format(const spdlog::details::log_msg& message, const std::tm&,
                spdlog::memory_buf_t& out) override {
        std::string_view name = "INFO";
        if (message.level == spdlog::level::debug)
            name = "DEBUG";
        else if (message.level == spdlog::level::warn)
            name = warning_;
        else if (message.level == spdlog::level::err)
            name = "ERROR";
        out.append(name.data(), name.data() + name.size());
    }
    std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<LevelFlag>(warning_);
    }

  private:
    std::string_view warning_;  // a literal
};

spdlog::level::level_enum spdlog_level(Level level) {
    switch (level) {
        case Level::Debug:
            return spdlog::level::debug;
        case Level::Warning:
            return spdlog::level::warn;
        case Level::Error:
            return spdlog::level::err;
        case Level::Info:
            break;
    }
    return spdlog::level::info;
}

// A line that cannot be written is lost: there is nowhere to say so.
void write(spdlog::level::level_enum level, const Line& line) noexcept {
    try {
        if (logger)
            logger->log(level, spdlog::string_view_t(line.text().data(), line.text().size()));
    } catch (...) {
    }
}

bool is_bare(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7f && c != '"' && c != '\\' && c != '=';
}

// C1 controls steer terminals; U+2028 and U+2029 are line ends to some readers of logs.
bool is_harmless(std::string_view character) {
    return !(character[0] == '\xc2' && character[1] < '\xa0') && character != "\u2028" &&
           character != "\u2029";
}

void append_escaped(char c, std::string& out) {
    switch (c) {
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    constexpr char kDigits[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
}

}  // namespace

std::string quote(std::string_view value) {
    std::string out = "\"";
    bool bare = !value.empty();
    while (!value.empty()) {
        const char c = value.front();
        size_t length = ring::utf8_sequence(value);
        if (length > 1 && is_harmless(value.substr(0, length))) {
            out.append(value.substr(0, length));
        } else if (c == '"' || c == '\\') {
            bare = false;
            out += '\\';
            out += c;
        } else if (is_bare(c) || c == ' ' || c == '=') {
            bare = bare && is_bare(c);
            out += c;
        } else {
            // The rest of an unwelcome character follows byte by byte: each is unwelcome alone.
            bare = false;
            append_escaped(c, out);
            length = 1;
        }
        value.remove_prefix(length);
    }
    if (bare)
        return out.substr(1);
    return out += '"';
}

std::string harmless(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const char c = text.front();
        size_t length = ring::utf8_sequence(text);
        if (length > 1 && is_harmless(text.substr(0, length))) {
            out.append(text.substr(0, length));
        } else if (static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7f) {
            out += c;
        } else {
            append_escaped(c, out);
            length = 1;
        }
        text.remove_prefix(length);
    }
    return out;
}

std::string shorten(std::string_view value, size_t limit) {
    if (value.size() <= limit)
        return std::string(value);
    size_t end = limit;
    while (end > 0 && end + 4 > limit && (value[end] & '\xc0') == '\x80')
        --end;
    return std::string(value.substr(0, end)) + "...";
}

Line& Line::with(std::string_view key, std::string_view value) {
    return verbatim(key, quote(value));
}

Line& Line::verbatim(std::string_view key, std::string_view value) {
    text_ += ' ';
    text_ += key;
    text_ += '=';
    text_ += value;
    return *this;
}

bool Limit::admits(uint64_t now_ms, Line& line) {
    if (now_ms / 1000 != second_) {
        second_ = now_ms / 1000;
        made_ = 0;
    }
    if (made_ == per_second_) {
        ++suppressed_;
        return false;
    }
    ++made_;
    if (suppressed_ != 0)
        line.with("suppressed", std::exchange(suppressed_, 0));
    return true;
}

void start() {
    auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
    formatter->add_flag<LevelFlag>('*', "WARN").set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %* %v");
    auto sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
    logger = std::make_shared<spdlog::logger>("herald", std::move(sink));
    logger->set_formatter(std::move(formatter));
    logger->set_level(spdlog::level::debug);
    logger->flush_on(spdlog::level::info);
    logger->set_error_handler([](const std::string&) {});

    auto event_formatter =
        std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::local);
    event_formatter
        ->add_flag<LevelFlag>('*', "WARNING")  // as Python's logging has it
        .set_pattern("%Y-%m-%d %H:%M:%S,%e [events] %*: %v");
    // Sinks of standard output share a mutex.
    event_logger = std::make_shared<spdlog::logger>(
        "events", std::make_shared<spdlog::sinks::stdout_sink_mt>());
    event_logger->set_formatter(std::move(event_formatter));
    event_logger->set_level(spdlog::level::debug);
    event_logger->flush_on(spdlog::level::debug);
    event_logger->set_error_handler([](const std::string&) {});
}

void flush() noexcept {
    try {
        if (logger)
            logger->flush();
    } catch (...) {
    }
}

void event(Level level, std::string_view text) noexcept {
    try {
        if (event_logger)
            event_logger->log(spdlog_level(level), spdlog::string_view_t(text.data(), text.size()));
    } catch (...) {
    }
}

void info(const Line& line) noexcept {
    write(spdlog::level::info, line);
}
void warn(const Line& line) noexcept {
    write(spdlog::level::warn, line);
}
void error(const Line& line) noexcept {
    write(spdlog::level::err, line);
}

}  // namespace herald::sidecar::log

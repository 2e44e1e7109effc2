#include "sidecar/cli/recorder.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <system_error>
#include <utility>

#include "sidecar/cli/envelope.hpp"
#include "sidecar/cli/reconnect.hpp"

namespace herald::cli {

namespace {

constexpr uint64_t kLeftOutTold = 5;
constexpr uint64_t kOfUseMs = 10'000;  // a connection that lasted was of use, also without events
constexpr double kRateOverS = 2;

// Line ends inside of data, which only servers other than Herald send, would make it two lines. In
// JSON they can only stand where a space can.
void append_line(std::string& out, std::string_view data) {
    const size_t begin = out.size();
    out += data;
    std::replace_if(
        out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(),
        [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

void append_block(std::string& out, const Received& received) {
    if (!received.id.empty())
        out.append("id: ").append(received.id) += '\n';
    if (!received.event.empty())
        out.append("event: ").append(received.event) += '\n';
    std::string_view rest = received.data;
    for (;;) {
        const size_t end = rest.find('\n');
        out.append("data: ").append(rest.substr(0, end)) += '\n';
        if (end == rest.npos)
            break;
        rest.remove_prefix(end + 1);
    }
}

}  // namespace

Recorder::Recorder(StreamOptions stream, RecorderOptions options, EventFile& file,
                   const Interrupt& interrupt)
    : stream_(std::move(stream)),
      options_(std::move(options)),
      file_(file),
      turns_(
          interrupt, [this] { show(); }, options_.limit_ms),
      start_ms_(turns_.now_ms()) {}

int Recorder::run() {
    std::string failure;
    try {
        const Outcome outcome = listen();
        if (outcome.kind == Outcome::Kind::Refused)
            failure = outcome.why;
        else if (outcome.kind == Outcome::Kind::Finished)
            tell(outcome.why);
        file_.close();
    } catch (const std::system_error& error) {
        // Whoever reads standard output has had enough.
        if (error.code() != std::errc::broken_pipe)
            failure = error.what();
    } catch (const std::exception& error) {
        failure = error.what();
    }
    return end(failure);
}

Outcome Recorder::listen() {
    for (;;) {
        first_ = true;
        opened_ms_ = 0;
        const auto read = stream_.endpoint.websocket ? read_websocket : read_sse;
        const Outcome outcome = read(turns_, stream_, state_, *this);
        connected_ = false;
        if (outcome.kind != Outcome::Kind::Lost)
            return outcome;
        if (!wait_to_reconnect(outcome))
            return {};
    }
}

bool Recorder::wait_to_reconnect(const Outcome& outcome) {
    const bool of_use = opened_ms_ != 0 && (!first_ || turns_.now_ms() - opened_ms_ >= kOfUseMs);
    if (of_use)
        fruitless_ = 0;
    const auto asked = outcome.asked_ms ? outcome.asked_ms : state_.retry_ms;
    const uint64_t delay_ms = reconnect_delay_ms(fruitless_, asked, std::random_device{}());
    ++fruitless_;
    char wait[40];
    std::snprintf(wait, sizeof wait, "%.1f s", static_cast<double>(delay_ms) / 1000);
    tell(outcome.why + "; trying again in " + wait);
    return turns_.wait(delay_ms);
}

void Recorder::opened() {
    opened_ms_ = turns_.now_ms();
    connected_ = true;
    if (!std::exchange(ever_connected_, true))
        return tell("listening to " + stream_.endpoint.shown);
    ++counts_.reconnects;
    if (!state_.last_id.empty())
        return tell("connected again");
    ++counts_.unresumed;
    line_.say(
        "herald: connected again, without an id to resume from: what was published meanwhile "
        "is missing");
}

bool Recorder::hear(const Received& received) {
    const Sort sort = sorter_.sort(received, std::exchange(first_, false));
    if (is_wanted(received, sort)) {
        write(received, sort);
        ++counts_.events;
    }
    const bool last = std::find(options_.until.begin(), options_.until.end(), received.event) !=
                          options_.until.end() ||
                      (options_.count > 0 && counts_.events >= options_.count);
    return !last;
}

bool Recorder::is_wanted(const Received& received, Sort sort) {
    switch (sort) {
        case Sort::Event:
            return true;
        case Sort::Gap:
            ++counts_.gaps;
            line_.say("herald: gap (" + std::string(sorter_.gap_reason()) +
                      "): events may be missing: " + std::string(received.data));
            return options_.with_gaps || options_.all;
        case Sort::Greeting:
        case Sort::Keepalive:
            return options_.all && !received.data.empty();
        case Sort::TooLong:
            ++counts_.too_long;
            tell_left_out("left out an event above 64M");
            return false;
        case Sort::NotJson:
            if (!options_.only_json)
                return true;
            ++counts_.not_json;
            tell_left_out("left out an event whose data is not JSON");
            return false;
    }
    return false;
}

void Recorder::tell_left_out(const char* what) {
    if (++told_ <= kLeftOutTold)
        line_.say(std::string("herald: ") + what);
}

void Recorder::write(const Received& received, Sort sort) {
    scratch_.clear();
    if (options_.format == EventFormat::Sse)
        append_block(scratch_, received);
    else if (options_.format == EventFormat::Data)
        append_line(scratch_, received.data);
    else if (sort == Sort::NotJson)
        append_envelope(scratch_, received, false);
    else {
        std::string envelope;
        append_envelope(envelope, received, true);
        append_line(scratch_, envelope);
    }
    scratch_ += '\n';
    file_.append(scratch_);
}

void Recorder::show() {
    if (!options_.live_line)
        return;
    const double now_s = elapsed_s();
    if (now_s - rate_at_s_ >= kRateOverS) {
        rate_ = static_cast<double>(counts_.events - rate_events_) / (now_s - rate_at_s_);
        rate_events_ = counts_.events;
        rate_at_s_ = now_s;
    }
    line_.draw(format_recording(counts_, rate_, now_s, connected_, TerminalLine::columns()));
}

void Recorder::tell(const std::string& text) {
    if (!options_.quiet)
        line_.say("herald: " + text);
}

int Recorder::end(const std::string& failure) {
    if (!failure.empty()) {
        line_.say("herald: " + failure);
        counts_.events = std::min(counts_.events, file_.lines());
    }
    line_.say((failure.empty() ? "" : "stopped: ") +
              format_recorded(options_.verb, counts_, elapsed_s()));
    const bool whole = counts_.not_json == 0 && counts_.too_long == 0;
    return failure.empty() && whole ? EXIT_SUCCESS : EXIT_FAILURE;
}

double Recorder::elapsed_s() const {
    return static_cast<double>(turns_.now_ms() - start_ms_) / 1000;
}

}  // namespace herald::cli

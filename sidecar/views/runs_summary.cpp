#include "sidecar/views/runs_summary.hpp"

#include <algorithm>
#include <array>

#include "ring/timestamp.hpp"
#include "sidecar/views/summary_bytes.hpp"

namespace herald::sidecar {

namespace {

constexpr std::array<std::string_view, 2> kEventMembers{"event", "run"};
enum EventMember : size_t { kEvent, kRun };
constexpr std::array<std::string_view, 4> kRunMembers{"id", "started_at", "completed_at", "status"};
enum RunMember : size_t { kId, kStartedAt, kCompletedAt, kStatus };
constexpr std::array<std::string_view, 1> kReportMember{"report"};
constexpr std::array<std::string_view, 2> kReportMembers{"invalid_count", "invalid"};
enum ReportMember : size_t { kInvalidCount, kInvalid };

// A time as text or as epoch seconds; nothing where it is neither.
std::optional<int64_t> time_of(const JsonScanner& scanner, size_t i) {
    if (scanner.member(i) != Member::String && scanner.member(i) != Member::Number)
        return std::nullopt;
    return ring::parse_time(scanner.raw(i));
}

bool is_above_zero(std::string_view number) {
    const std::string_view digits = number.substr(0, number.find_first_of("eE"));
    return !number.starts_with('-') && digits.find_first_of("123456789") != digits.npos;
}

// As Python writes times of UTC: 2024-05-08T09:30:00+00:00, with microseconds where there are some.
void append_utc(std::string& out, int64_t us) {
    constexpr size_t kToSeconds = 19;  // characters
    const size_t begin = out.size();
    ring::append_time(out, static_cast<uint64_t>(us / 1000));
    out.resize(begin + kToSeconds);
    if (us % 1'000'000 != 0) {
        const std::string digits = std::to_string(1'000'000 + us % 1'000'000);
        out.append(".").append(digits, 1);
    }
    out.append("+00:00");
}

}  // namespace

Summary::Took RunsSummary::apply(std::string_view data, uint64_t at_ms) {
    if (!scanner_.scan(data, kEventMembers) || scanner_.member(kEvent) != Member::String ||
        !is_object(scanner_, kRun))
        return Took::Foreign;
    const std::string_view event = scanner_.raw(kEvent);
    const bool removed = event == "run.removed";
    if (!removed && event != "run.updated" && event != "run.created")
        return Took::Foreign;

    const std::string_view run = scanner_.raw(kRun);
    if (!scanner_.scan(run, kRunMembers))
        return Took::Foreign;
    const std::string_view id = id_text(scanner_, kId, memory_);
    if (id.empty())
        return Took::Foreign;
    const RecordKey key = RecordKey::of(id);
    if (!removed)
        return keep(key, run, at_ms);

    const Runs::Number number = runs_.find(key);
    if (number == Runs::kNone)
        return Took::Same;
    remove(number);
    return Took::Changed;
}

// The scanner has the run's members.
Summary::Took RunsSummary::keep(const RecordKey& key, std::string_view run, uint64_t at_ms) {
    Runs::Number number = runs_.find(key);
    const bool is_new = number == Runs::kNone;
    if (is_new && runs_.size() >= max_records_) {
        remove(runs_.oldest());
        ++forgotten_;
    }

    Run now = is_new ? Run{static_cast<int64_t>(at_ms) * 1000} : runs_.value(number);
    now.started_us = time_of(scanner_, kStartedAt).value_or(now.started_us);
    read_completion(now);
    if (scanner_.scan(run, kReportMember) && is_object(scanner_, 0))
        read_report(now, scanner_.raw(0));

    if (is_new) {
        number = runs_.add(key);
    } else {
        runs_.touch(number);
        if (now == runs_.value(number))
            return Took::Same;
        starts_.erase(start_of(number));
    }
    runs_.value(number) = now;
    starts_.insert(start_of(number));
    return Took::Changed;
}

// Completed is what has a time of completion, or says so without one.
void RunsSummary::read_completion(Run& run) {
    const bool has_time = scanner_.member(kCompletedAt) != Member::Absent;
    const bool has_status = scanner_.member(kStatus) == Member::String;
    if (has_time) {
        run.completed_us = time_of(scanner_, kCompletedAt).value_or(kNever);
        run.completed = scanner_.member(kCompletedAt) != Member::Other;
    }
    if (has_status && (!has_time || !run.completed)) {
        run.completed = scanner_.raw(kStatus) == "completed";
        if (!run.completed)
            run.completed_us = kNever;
    }
}

void RunsSummary::read_report(Run& run, std::string_view report) {
    if (!scanner_.scan(report, kReportMembers))
        return;
    if (scanner_.member(kInvalidCount) == Member::Number) {
        run.invalid = is_above_zero(scanner_.raw(kInvalidCount));
    } else if (scanner_.member(kInvalid) == Member::Other && scanner_.raw(kInvalid)[0] == '[') {
        const std::string_view list = scanner_.raw(kInvalid);
        run.invalid = list.find_first_not_of(" \t\r\n", 1) != list.size() - 1;
    }
}

void RunsSummary::remove(Runs::Number number) {
    starts_.erase(start_of(number));
    runs_.remove(number);
}

std::string RunsSummary::document() const {
    uint64_t total = 0, successful = 0, failed = 0, streak = 0;
    int64_t last_success = kNever;
    bool only_failures = true;
    for (auto start = starts_.rbegin(); start != starts_.rend() && total < recent_; ++start) {
        const Run& run = runs_.value(runs_.find(start->key));
        const bool has_failed = run.completed && run.invalid;
        ++total;
        only_failures = only_failures && has_failed;
        streak += only_failures ? 1 : 0;
        failed += has_failed ? 1 : 0;
        if (run.completed && !run.invalid) {
            ++successful;
            last_success = std::max(last_success, run.completed_us);
        }
    }

    std::string out = R"({"counts":{"total":)" + std::to_string(total);
    out.append(R"(,"successful":)").append(std::to_string(successful));
    out.append(R"(,"failed":)").append(std::to_string(failed));
    out.append(R"(,"running":)").append(std::to_string(total - successful - failed));
    out.append(R"(},"last_success_at":)");
    if (last_success < 0) {
        out.append("null");
    } else {
        out.push_back('"');
        append_utc(out, last_success);
        out.push_back('"');
    }
    out.append(R"(,"failure_streak":)").append(std::to_string(streak));
    return out.append("}");
}

void RunsSummary::save(std::string& out) const {
    put_bytes(out, static_cast<uint64_t>(runs_.size()));
    for (auto number = runs_.oldest(); number != Runs::kNone; number = runs_.next(number)) {
        const Run& run = runs_.value(number);
        put_bytes(out, runs_.key(number));
        put_bytes(out, run.started_us);
        put_bytes(out, run.completed_us);
        put_bytes(out, static_cast<uint8_t>((run.completed ? 1 : 0) | (run.invalid ? 2 : 0)));
    }
}

bool RunsSummary::load(std::string_view bytes) {
    uint64_t count = 0;
    if (!take_bytes(bytes, count))
        return false;
    for (uint64_t i = 0; i < count; ++i) {
        RecordKey key;
        Run run;
        uint8_t flags = 0;
        if (!take_bytes(bytes, key) || !take_bytes(bytes, run.started_us) ||
            !take_bytes(bytes, run.completed_us) || !take_bytes(bytes, flags) || flags > 3 ||
            runs_.find(key) != Runs::kNone)
            return false;
        run.completed = (flags & 1) != 0;
        run.invalid = (flags & 2) != 0;
        if (runs_.size() >= max_records_)
            remove(runs_.oldest());
        const Runs::Number number = runs_.add(key);
        runs_.value(number) = run;
        starts_.insert(start_of(number));
    }
    return bytes.empty();
}

std::string_view RunsSummary::expects() const {
    return "run.created, run.updated or run.removed, with a run and its id";
}

}  // namespace herald::sidecar

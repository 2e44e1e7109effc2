#include "sidecar/views/jobs_summary.hpp"

#include "sidecar/views/summary_bytes.hpp"

namespace herald::sidecar {

namespace {

constexpr std::array<std::string_view, 2> kEventMembers{"event", "job"};
enum EventMember : size_t { kEvent, kJob };
constexpr std::array<std::string_view, 3> kJobMembers{"job_id", "status", "farm"};
enum JobMember : size_t { kJobId, kStatus, kFarm };

constexpr std::string_view kUnknown = "unknown";

}  // namespace

Summary::Took JobsSummary::apply(std::string_view data, uint64_t) {
    if (!scanner_.scan(data, kEventMembers) || scanner_.member(kEvent) != Member::String ||
        !is_object(scanner_, kJob))
        return Took::Foreign;
    const std::string_view event = scanner_.raw(kEvent);
    const bool removed = event == "job.removed";
    if (!removed && event != "job.updated" && event != "job.created")
        return Took::Foreign;

    const std::string_view job = scanner_.raw(kJob);
    if (!scanner_.scan(job, kJobMembers))
        return Took::Foreign;
    const std::string_view id = id_text(scanner_, kJobId, memory_);
    if (id.empty())
        return Took::Foreign;
    const RecordKey key = RecordKey::of(id);
    if (!removed)
        return keep(key, scanner_);

    const Jobs::Number number = jobs_.find(key);
    if (number == Jobs::kNone)
        return Took::Same;
    remove(number);
    return Took::Changed;
}

Summary::Took JobsSummary::keep(const RecordKey& key, const JsonScanner& job) {
    Jobs::Number number = jobs_.find(key);
    const bool is_new = number == Jobs::kNone;
    if (!is_new) {
        jobs_.touch(number);
    } else {
        if (jobs_.size() >= max_records_) {
            remove(jobs_.oldest());
            ++forgotten_;
        }
        number = jobs_.add(key);
    }
    Job& kept = jobs_.value(number);
    const bool status = set(statuses_, kept.status, is_new, job, kStatus);
    const bool farm = set(farms_, kept.farm, is_new, job, kFarm);
    return status || farm ? Took::Changed : Took::Same;
}

// Whether the value is another one than before. What is no text says nothing.
bool JobsSummary::set(ValueCounts& counts, ValueCounts::Number& number, bool is_new,
                      const JsonScanner& job, size_t i) {
    std::string_view text = is_new ? kUnknown : counts.text(number);
    if (job.member(i) == Member::String && !job.raw(i).empty())
        text = plain_text(job.raw(i), memory_);
    if (!is_new && text == counts.text(number))
        return false;
    const ValueCounts::Number before = number;
    number = counts.add(text);
    if (!is_new)
        counts.remove(before);
    return is_new || number != before;
}

void JobsSummary::remove(Jobs::Number number) {
    statuses_.remove(jobs_.value(number).status);
    farms_.remove(jobs_.value(number).farm);
    jobs_.remove(number);
}

std::string JobsSummary::document() const {
    std::string out = R"({"jobs":)" + std::to_string(jobs_.size()) + R"(,"by_status":)";
    statuses_.append_json(out);
    out.append(R"(,"by_farm":)");
    farms_.append_json(out);
    return out.append("}");
}

// Each value once, where the first job has it; then the jobs, the oldest first.
void JobsSummary::save(std::string& out) const {
    put_bytes(out, static_cast<uint64_t>(jobs_.size()));
    out.reserve(out.size() + jobs_.size() * (sizeof(RecordKey) + sizeof(Job)));
    std::array<bool, ValueCounts::kMaxValues> statuses{}, farms{};
    const auto put = [&out](const ValueCounts& counts, ValueCounts::Number number, auto& known) {
        put_bytes(out, number);
        if (!std::exchange(known[number], true))
            put_text(out, counts.text(number));
    };
    for (auto number = jobs_.oldest(); number != Jobs::kNone; number = jobs_.next(number)) {
        const Job& job = jobs_.value(number);
        put_bytes(out, jobs_.key(number));
        put(statuses_, job.status, statuses);
        put(farms_, job.farm, farms);
    }
}

bool JobsSummary::load(std::string_view bytes) {
    uint64_t count = 0;
    if (!take_bytes(bytes, count))
        return false;
    std::vector<std::string> statuses(ValueCounts::kMaxValues), farms(ValueCounts::kMaxValues);
    const auto take = [&bytes](std::vector<std::string>& texts, std::string_view& text) {
        ValueCounts::Number number = 0;
        if (!take_bytes(bytes, number) || number >= texts.size())
            return false;
        if (texts[number].empty()) {
            if (!take_text(bytes, text) || text.empty() || text.size() > ValueCounts::kMaxLength)
                return false;
            texts[number] = text;
        }
        text = texts[number];
        return true;
    };
    for (uint64_t i = 0; i < count; ++i) {
        RecordKey key;
        std::string_view status, farm;
        if (!take_bytes(bytes, key) || !take(statuses, status) || !take(farms, farm) ||
            jobs_.find(key) != Jobs::kNone)
            return false;
        if (jobs_.size() >= max_records_)
            remove(jobs_.oldest());
        jobs_.value(jobs_.add(key)) = {statuses_.add(status), farms_.add(farm)};
    }
    return bytes.empty();
}

std::string_view JobsSummary::expects() const {
    return "job.created, job.updated or job.removed, with a job and its job_id";
}

}  // namespace herald::sidecar

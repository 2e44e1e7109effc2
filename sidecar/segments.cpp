// One mutex over a few numbers and a short list; nobody holds it while he reads or writes a file.
#include "sidecar/segments.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "ring/id.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kSeqDigits = 20;
constexpr std::string_view kSuffix = ".jsonl";

}  // namespace

std::string segment_name(uint32_t log, uint64_t first_seq) {
    char name[64];
    std::snprintf(name, sizeof name, "%08x-%020llu.jsonl", log,
                  static_cast<unsigned long long>(first_seq));
    return name;
}

std::optional<Segment> parse_segment_name(std::string_view name) {
    if (name.size() != 9 + kSeqDigits + kSuffix.size() || !name.ends_with(kSuffix))
        return std::nullopt;
    std::string_view seq = name.substr(9, kSeqDigits);
    seq.remove_prefix(std::min(seq.find_first_not_of('0'), seq.size()));
    const auto id = ring::parse_id(std::string(name.substr(0, 9)).append(seq));
    if (!id || id->seq == 0)
        return std::nullopt;
    return Segment{id->log, id->seq, {}};
}

void Segments::assign(std::vector<Segment> segments) {
    const std::lock_guard lock(mutex_);
    view_ = {};
    view_.segments = std::move(segments);
}

void Segments::add(Segment segment) {
    const std::lock_guard lock(mutex_);
    view_.segments.push_back(std::move(segment));
    view_.offset = 0;
}

void Segments::remove_oldest() {
    const std::lock_guard lock(mutex_);
    view_.segments.erase(view_.segments.begin());
}

void Segments::extend(uint64_t offset, uint64_t last_seq) {
    const std::lock_guard lock(mutex_);
    view_.offset = offset;
    view_.last_seq = std::max(view_.last_seq, last_seq);
}

void Segments::wake() {
    {
        const std::lock_guard lock(mutex_);
        ++wakes_;
    }
    changed_.notify_all();
}

Segments::View Segments::view() const {
    const std::lock_guard lock(mutex_);
    return view_;
}

uint64_t Segments::last_seq() const {
    const std::lock_guard lock(mutex_);
    return view_.last_seq;
}

uint64_t Segments::readable(uint64_t first_seq) const {
    const std::lock_guard lock(mutex_);
    const bool newest = !view_.segments.empty() && view_.segments.back().first_seq == first_seq;
    return newest ? view_.offset : UINT64_MAX;
}

void Segments::wait(uint64_t ms) {
    std::unique_lock lock(mutex_);
    uint64_t& heard = heard_[std::this_thread::get_id()];
    changed_.wait_for(lock, std::chrono::milliseconds(ms), [&] { return wakes_ != heard; });
    heard = wakes_;
}

}  // namespace herald::sidecar

#include "sidecar/views/views_checkpoint.hpp"

#include <cstring>
#include <utility>

#include "ring/hash.hpp"
#include "sidecar/views/summary_bytes.hpp"

namespace herald::sidecar {

namespace {

constexpr std::string_view kMagic = "HRLDVIEW";
constexpr uint32_t kVersion = 1;
constexpr size_t kCountAt = kMagic.size() + 4 + 4 + 8;
constexpr uint64_t kMaxSections = 1024;

uint64_t hash_of(std::string_view bytes) {
    return XXH3_64bits(bytes.data(), bytes.size());
}

bool take_section(std::string_view& in, ViewsCheckpoint::Section& section) {
    uint64_t length = 0;
    if (!take_bytes(in, section.origin) || !take_text(in, section.name) ||
        !take_bytes(in, length) || in.size() < length)
        return false;
    section.bytes = in.substr(0, length);
    in.remove_prefix(length);
    return true;
}

}  // namespace

uint64_t origin_of(const ViewConfig& config) {
    return hash_of(std::to_string(static_cast<int>(config.kind)) + " " + config.channels.text());
}

CheckpointWriter::CheckpointWriter(uint32_t log, uint64_t seq) {
    bytes_.append(kMagic);
    put_bytes(bytes_, kVersion);
    put_bytes(bytes_, log);
    put_bytes(bytes_, seq);
    put_bytes(bytes_, count_);
}

void CheckpointWriter::add(const ViewConfig& config, const Summary& summary) {
    put_bytes(bytes_, origin_of(config));
    put_text(bytes_, config.name);
    const size_t place = bytes_.size();
    uint64_t length = 0;
    put_bytes(bytes_, length);
    const size_t begin = bytes_.size();
    summary.save(bytes_);
    length = bytes_.size() - begin;
    std::memcpy(bytes_.data() + place, &length, sizeof length);
    ++count_;
}

std::string CheckpointWriter::finish() {
    std::memcpy(bytes_.data() + kCountAt, &count_, sizeof count_);
    put_bytes(bytes_, hash_of(bytes_));
    return std::move(bytes_);
}

std::optional<ViewsCheckpoint> decode_checkpoint(std::string_view bytes) {
    uint64_t hash = 0;
    if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + sizeof hash)
        return std::nullopt;
    std::string_view tail = bytes.substr(bytes.size() - sizeof hash);
    std::string_view in = bytes.substr(0, bytes.size() - sizeof hash);
    if (!take_bytes(tail, hash) || hash != hash_of(in))
        return std::nullopt;

    in.remove_prefix(kMagic.size());
    uint32_t version = 0;
    uint64_t count = 0;
    ViewsCheckpoint checkpoint;
    if (!take_bytes(in, version) || version != kVersion || !take_bytes(in, checkpoint.log) ||
        !take_bytes(in, checkpoint.seq) || !take_bytes(in, count) || count > kMaxSections)
        return std::nullopt;
    checkpoint.sections.resize(count);
    for (auto& section : checkpoint.sections) {
        if (!take_section(in, section))
            return std::nullopt;
    }
    return in.empty() ? std::optional(std::move(checkpoint)) : std::nullopt;
}

}  // namespace herald::sidecar

#include "sidecar/views/views_checkpoint.hpp"

#include "ring/hash.hpp"

#include "sidecar/views/summary_bytes.hpp"

namespace herald::sidecar {

namespace {

constexpr std::string_view kMagic = "HRLDVIEW";
constexpr uint32_t kVersion = 1;
constexpr uint64_t kMaxSections = 1024;

uint64_t hash_of(std::string_view bytes) {
    return XXH3_64bits(bytes.data(), bytes.size());
}

bool take_section(std::string_view& in, ViewsCheckpoint::Section& section) {
    std::string_view name;
    uint64_t length = 0;
    if (!take_bytes(in, section.origin) || !take_text(in, name) || !take_bytes(in, length) ||
        in.size() < length)
        return false;
    section.name = name;
    section.bytes = in.substr(0, length);
    in.remove_prefix(length);
    return true;
}

}  // namespace

uint64_t origin_of(const ViewConfig& config) {
    return hash_of(std::to_string(static_cast<int>(config.kind)) + " " + config.channels.text());
}

std::string encode_checkpoint(const ViewsCheckpoint& checkpoint) {
    size_t size = 64;
    for (const auto& section : checkpoint.sections)
        size += section.name.size() + section.bytes.size() + 32;
    std::string out;
    out.reserve(size);
    out.append(kMagic);
    put_bytes(out, kVersion);
    put_bytes(out, checkpoint.log);
    put_bytes(out, checkpoint.seq);
    put_bytes(out, static_cast<uint64_t>(checkpoint.sections.size()));
    for (const auto& section : checkpoint.sections) {
        put_bytes(out, section.origin);
        put_text(out, section.name);
        put_bytes(out, static_cast<uint64_t>(section.bytes.size()));
        out.append(section.bytes);
    }
    put_bytes(out, hash_of(out));
    return out;
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

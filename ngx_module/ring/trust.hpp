// What tokens are judged by, as it travels from the sidecar to the workers (docs/formats.md): key
// sets and revocations. Both sides check every length and every bound before they believe it; a
// message that contradicts itself does not decode.
//
//   Watch, Refetch   worker to sidecar: the sources of its keys; one of them may have a new key
//   Keys             sidecar to worker: the JWK set of one source, whenever it has changed
//   Revocations      sidecar to worker: which tokens are refused, whatever their signature says
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "question_bytes.hpp"

namespace herald::ring::trust {

using questions::append_bytes;
using questions::take_bytes;
using questions::take_text;

constexpr size_t kMaxSources = 32;        // of one worker
constexpr size_t kMaxSource = 2000;       // bytes; kMaxSources of them fit into one frame
constexpr size_t kMaxKeySet = 64 * 1024;  // bytes of a JWK set
constexpr size_t kMaxText = 1024;         // bytes of a revocation's value, and of its issuer
constexpr size_t kMaxRevocations = 1'000'000;
constexpr size_t kMaxNews = 128 * 1024;  // bytes of one message

enum class Kind : uint32_t { Keys = 1, Revocations = 2 };

// Tokens that are refused. An equal kind, value and issuer is the same one; the later `before`
// counts.
struct Revocation {
    enum class Kind : uint8_t { Sub = 1, Jti = 2 };
    Kind kind = Kind::Sub;
    std::string value{};  // of the claim `sub` or `jti`; not empty
    std::string iss{};    // of the claim `iss`; empty: whichever it is
    int64_t before = 0;  // seconds since 1970: tokens issued (`iat`) at or before this are refused;
                         // so is a token without `iat`

    bool operator==(const Revocation&) const = default;
};

// Start a message of kind Revocations; `count` of them follow.
struct RevocationsHead {
    uint32_t count = 0;
    uint8_t first = 0;      // 1: a whole set begins, which will take the place of what was known
    uint8_t whole = 0;      // 1: that set ends with this message. What follows later is added to it
    uint16_t reserved = 0;  // 0
};

// One revocation as it travels; value and issuer follow.
struct RevocationItem {
    int64_t before = 0;
    uint16_t value_length = 0;
    uint16_t iss_length = 0;
    Revocation::Kind kind = Revocation::Kind::Sub;
    uint8_t reserved[3] = {};  // 0
};

static_assert(sizeof(RevocationsHead) == 8 && sizeof(RevocationItem) == 16);

// -- sources
//
//   file:/abs/path   url:https://host/path

inline bool is_source(std::string_view source) {
    return !source.empty() && source.size() <= kMaxSource &&
           (source.starts_with("file:/") || source.starts_with("url:"));
}

// The payload of Watch: at most kMaxSources, each of at most kMaxSource bytes.
inline std::string encode_watch(const std::vector<std::string>& sources) {
    std::string out;
    append_bytes(out, static_cast<uint32_t>(sources.size()));
    for (const std::string& source : sources) {
        append_bytes(out, static_cast<uint16_t>(source.size()));
        out.append(source);
    }
    return out;
}

inline bool decode_watch(std::string_view bytes, std::vector<std::string>& sources) {
    uint32_t count = 0;
    if (!take_bytes(bytes, count) || count > kMaxSources)
        return false;
    sources.clear();
    for (uint32_t i = 0; i < count; ++i) {
        uint16_t length = 0;
        std::string_view source;
        if (!take_bytes(bytes, length) || !take_text(bytes, length, source) || !is_source(source))
            return false;
        sources.emplace_back(source);
    }
    return bytes.empty();
}

// -- news

// The kind of a piece of news, taken off its front.
inline bool take_kind(std::string_view& bytes, Kind& kind) {
    return take_bytes(bytes, kind);
}

inline std::string encode_keys(std::string_view source, std::string_view json) {
    std::string out;
    append_bytes(out, Kind::Keys);
    append_bytes(out, static_cast<uint32_t>(source.size()));
    return out.append(source).append(json);
}

// What is behind the kind. The views are into `bytes`.
inline bool decode_keys(std::string_view bytes, std::string_view& source, std::string_view& json) {
    uint32_t length = 0;
    if (!take_bytes(bytes, length) || !take_text(bytes, length, source) || !is_source(source) ||
        bytes.size() > kMaxKeySet)
        return false;
    json = bytes;
    return true;
}

inline size_t encoded_size(const Revocation& revocation) {
    return sizeof(RevocationItem) + revocation.value.size() + revocation.iss.size();
}

// Within the bounds: whoever makes one sees to it.
inline bool is_fit(const Revocation& revocation) {
    return !revocation.value.empty() && revocation.value.size() <= kMaxText &&
           revocation.iss.size() <= kMaxText;
}

inline void append_revocation(std::string& out, const Revocation& revocation) {
    RevocationItem item;
    item.before = revocation.before;
    item.value_length = static_cast<uint16_t>(revocation.value.size());
    item.iss_length = static_cast<uint16_t>(revocation.iss.size());
    item.kind = revocation.kind;
    append_bytes(out, item);
    out.append(revocation.value).append(revocation.iss);
}

// `items`: as append_revocation wrote them, `head.count` of them.
inline std::string encode_revocations(const RevocationsHead& head, std::string_view items) {
    std::string out;
    append_bytes(out, Kind::Revocations);
    append_bytes(out, head);
    return out.append(items);
}

// What is behind the kind.
inline bool decode_revocations(std::string_view bytes, RevocationsHead& head,
                               std::vector<Revocation>& revocations) {
    if (!take_bytes(bytes, head) || head.first > 1 || head.whole > 1 || head.reserved != 0 ||
        head.count > bytes.size() / sizeof(RevocationItem))
        return false;
    revocations.clear();
    revocations.reserve(head.count);
    for (uint32_t i = 0; i < head.count; ++i) {
        RevocationItem item;
        std::string_view value, iss;
        if (!take_bytes(bytes, item) || !take_text(bytes, item.value_length, value) ||
            !take_text(bytes, item.iss_length, iss) || item.kind < Revocation::Kind::Sub ||
            item.kind > Revocation::Kind::Jti)
            return false;
        revocations.push_back({item.kind, std::string(value), std::string(iss), item.before});
        if (!is_fit(revocations.back()))
            return false;
    }
    return bytes.empty();
}

static_assert(sizeof(uint32_t) + kMaxSources * (sizeof(uint16_t) + kMaxSource) <= 64 * 1024);
static_assert(sizeof(Kind) + sizeof(uint32_t) + kMaxSource + kMaxKeySet <= kMaxNews);

}  // namespace herald::ring::trust

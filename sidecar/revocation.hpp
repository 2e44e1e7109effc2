// Revocations as text: as they are published on herald:revoke, and as they are kept.
//
//   {"sub":"u1"}   {"jti":"t1","iss":"https://id.example","before":1763719200}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "ring/trust.hpp"

namespace herald::sidecar {

using ring::trust::Revocation;

constexpr std::string_view kRevokeChannel = "herald:revoke";

// A JSON object with one of `sub` and `jti`, and perhaps `iss` and `before` (seconds since 1970 as
// a number, or a time as ring::parse_time reads it); other members are passed over. `now`: seconds
// since 1970; where `before` is missing a sub's is that, a jti's never comes, and without `now` it
// is an error. Nothing where it is none: `why` then says what would be right, without a word of the
// content.
std::optional<Revocation> read_revocation(std::string_view json, std::optional<int64_t> now,
                                          std::string& why);

// One line with its LF, which read_revocation reads.
std::string revocation_line(const Revocation& revocation);

// Revocations, each once, with its latest `before`.
class RevocationSet {
  public:
    explicit RevocationSet(size_t limit = ring::trust::kMaxRevocations) : limit_(limit) {}

    enum class Put { Added, Raised, Known, Full };
    Put put(const Revocation& revocation);
    size_t size() const { return entries_.size(); }

    template <class Visit>
    void each(Visit&& visit) const {
        for (const auto& [key, before] : entries_)
            visit(Revocation{key.kind, key.value, key.iss, before});
    }

  private:
    struct Key {
        Revocation::Kind kind;
        std::string value;
        std::string iss;
        bool operator==(const Key&) const = default;
    };
    struct Hash {
        size_t operator()(const Key& key) const {
            const std::hash<std::string> hash{};
            return hash(key.value) * 31 + hash(key.iss) + static_cast<size_t>(key.kind);
        }
    };

    size_t limit_;
    std::unordered_map<Key, int64_t, Hash> entries_{};
};

}  // namespace herald::sidecar

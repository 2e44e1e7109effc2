// News put together from their frames, and the table that revocations are looked up in; see
// trust.hpp.
#include "trust.hpp"

#include <algorithm>

#include "ring/control.hpp"

namespace herald {

namespace control = ring::control;
namespace trust = ring::trust;

namespace {

constexpr uint64_t kRefetchEveryMs = 1000;
constexpr uint64_t kAwaitEveryMs = 30'000;  // as often as the sidecar looks
constexpr uint64_t kAwaitMs = 2000;

// Kind, value and issuer as one string that no other three give.
void write_key(std::string& key, Revocation::Kind kind, std::string_view value,
               std::string_view iss) {
    key.clear();
    trust::append_bytes(key, kind);
    trust::append_bytes(key, static_cast<uint32_t>(value.size()));
    key.append(value).append(iss);
}

// Whether it is news: the key is not there, or with an earlier `before`.
template <class Known>
bool raise(Known& known, const std::string& key, int64_t before) {
    const auto [entry, added] = known.try_emplace(key, before);
    if (added)
        return true;
    const bool later = before > entry->second;
    entry->second = std::max(entry->second, before);
    return later;
}

}  // namespace

Trust::Trust(std::vector<std::string> sources, Send send)
    : send_(std::move(send)), names_(std::move(sources)) {
    std::erase_if(names_, [](const std::string& source) { return !trust::is_source(source); });
    if (names_.size() > trust::kMaxSources)
        names_.resize(trust::kMaxSources);
    for (const std::string& source : names_)
        sources_.try_emplace(source);
}

void Trust::open() {
    open_ = true;
    number_ = 0;
    coming_.clear();
    for (auto& [name, source] : sources_)
        source.refetched_ms.reset();
    if (!names_.empty())
        send_(control::frame_of_bytes(control::Type::Watch, trust::encode_watch(names_)));
}

void Trust::close() {
    open_ = false;
    coming_ = {};
    fresh_.reset();
}

uint64_t Trust::refetch(std::string_view source, uint64_t now_ms) {
    const auto found = sources_.find(source);
    if (!open_ || found == sources_.end())
        return 0;
    std::optional<uint64_t>& last = found->second.refetched_ms;
    if (!last || now_ms - *last >= kRefetchEveryMs) {
        last = now_ms;
        send_(control::frame_of_bytes(control::Type::Refetch, source));
    }
    std::optional<uint64_t>& awaited = found->second.awaited_ms;
    if (!awaited || now_ms - *awaited >= kAwaitEveryMs)
        awaited = now_ms;
    const uint64_t waited = now_ms - *awaited;
    return waited < kAwaitMs ? kAwaitMs - waited : 0;
}

// -- news

bool Trust::take(std::string_view payload) {
    control::Part part;
    std::string_view bytes;
    if (!control::decode_part(payload, part, bytes) || part.last > 1 ||
        bytes.size() > trust::kMaxNews - coming_.size())
        return false;
    // One message after the other, counted from 1.
    if (part.number != (coming_.empty() ? number_ + 1 : number_))
        return false;
    number_ = part.number;
    if (part.last == 0) {
        coming_.append(bytes);
        return !bytes.empty();
    }
    if (coming_.empty())
        return take_message(bytes);
    const std::string whole = std::exchange(coming_, {}).append(bytes);
    return take_message(whole);
}

bool Trust::take_message(std::string_view bytes) {
    trust::Kind kind{};
    if (!trust::take_kind(bytes, kind))
        return false;
    if (kind == trust::Kind::Keys)
        return take_keys(bytes);
    return kind == trust::Kind::Revocations && take_revocations(bytes);
}

bool Trust::take_keys(std::string_view bytes) {
    std::string_view name, json;
    if (!trust::decode_keys(bytes, name, json))
        return false;
    const auto found = sources_.find(name);
    if (found == sources_.end() || found->second.json == json)
        return true;
    found->second.json = json;
    found->second.awaited_ms.reset();  // the next set may be as new
    if (keys)
        keys(name, json);
    return true;
}

bool Trust::take_revocations(std::string_view bytes) {
    trust::RevocationsHead head;
    std::vector<Revocation> revocations;
    if (!trust::decode_revocations(bytes, head, revocations))
        return false;
    if (head.first != 0)
        fresh_.emplace();
    // A set is complete once, and nothing is added to one that has not begun.
    if (!fresh_ && (head.whole != 0 || !complete_))
        return false;

    for (const Revocation& revocation : revocations)
        learn(revocation);
    if ((fresh_ ? *fresh_ : known_).size() > trust::kMaxRevocations)
        return false;
    if (head.whole != 0) {
        known_ = std::move(*fresh_);
        fresh_.reset();
        complete_ = true;
    }
    return true;
}

void Trust::learn(const Revocation& revocation) {
    write_key(key_, revocation.kind, revocation.value, revocation.iss);
    if (fresh_)
        raise(*fresh_, key_, revocation.before);
    if (raise(known_, key_, revocation.before) && revoked)
        revoked(revocation);
}

// -- lookups

bool Trust::is_revoked(std::string_view sub, std::string_view jti, std::string_view iss,
                       std::optional<int64_t> iat) const {
    if (known_.empty())
        return false;
    using Kind = Revocation::Kind;
    return refuses(Kind::Sub, sub, {}, iat) || refuses(Kind::Jti, jti, {}, iat) ||
           (!iss.empty() &&
            (refuses(Kind::Sub, sub, iss, iat) || refuses(Kind::Jti, jti, iss, iat)));
}

bool Trust::refuses(Revocation::Kind kind, std::string_view value, std::string_view iss,
                    std::optional<int64_t> iat) const {
    if (value.empty() || value.size() > trust::kMaxText || iss.size() > trust::kMaxText)
        return false;
    write_key(key_, kind, value, iss);
    const auto found = known_.find(key_);
    return found != known_.end() && (!iat || *iat <= found->second);
}

}  // namespace herald

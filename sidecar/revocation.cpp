// jansson parses and writes; every bound is checked here.
#include "sidecar/revocation.hpp"

#include <jansson.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <new>

#include "ring/timestamp.hpp"

namespace herald::sidecar {

namespace {

struct FreeJson {
    void operator()(json_t* json) const noexcept { json_decref(json); }
};
struct FreeText {
    void operator()(char* text) const noexcept { std::free(text); }
};

constexpr const char* kTime =
    "\"before\" is no time; expected seconds since 1970, or a time such as "
    "\"2026-11-21T10:00:00Z\"";

// A member that is a fit string; false where it is there and is none.
bool read_text(const json_t* object, const char* member, std::string& text, std::string& why) {
    const json_t* value = json_object_get(object, member);
    if (value == nullptr)
        return true;
    if (json_is_string(value))
        text.assign(json_string_value(value), json_string_length(value));
    if (!text.empty() && text.size() <= ring::trust::kMaxText)
        return true;
    why = "\"" + std::string(member) + "\" is unfit; expected a string of 1 to " +
          std::to_string(ring::trust::kMaxText) + " bytes";
    return false;
}

std::optional<int64_t> parse_seconds(std::string_view text) {
    const auto microseconds = ring::parse_time(text);
    if (!microseconds)
        return std::nullopt;
    const int64_t second = ring::time_text::kMicroseconds;
    return *microseconds / second - (*microseconds % second < 0 ? 1 : 0);
}

// Numbers have the bounds of their text: milliseconds are not taken for seconds.
std::optional<int64_t> seconds_of(const json_t* value) {
    if (json_is_integer(value))
        return parse_seconds(std::to_string(json_integer_value(value)));
    if (json_is_real(value)) {
        const double seconds = std::floor(json_real_value(value));
        if (!(std::abs(seconds) < 1e15))
            return std::nullopt;
        return parse_seconds(std::to_string(static_cast<int64_t>(seconds)));
    }
    if (json_is_string(value))
        return parse_seconds({json_string_value(value), json_string_length(value)});
    return std::nullopt;
}

}  // namespace

std::optional<Revocation> read_revocation(std::string_view json, std::optional<int64_t> now,
                                          std::string& why) {
    json_error_t error;
    const std::unique_ptr<json_t, FreeJson> root(
        json_loadb(json.data(), json.size(), JSON_REJECT_DUPLICATES, &error));
    if (!json_is_object(root.get())) {
        why = R"(not a JSON object; expected {"sub":"..."} or {"jti":"..."})";
        return std::nullopt;
    }

    std::string sub, jti;
    Revocation revocation;
    if (!read_text(root.get(), "sub", sub, why) || !read_text(root.get(), "jti", jti, why) ||
        !read_text(root.get(), "iss", revocation.iss, why))
        return std::nullopt;
    if (sub.empty() == jti.empty()) {
        why = R"(expected either "sub" or "jti")";
        return std::nullopt;
    }
    revocation.kind = sub.empty() ? Revocation::Kind::Jti : Revocation::Kind::Sub;
    revocation.value = sub.empty() ? std::move(jti) : std::move(sub);

    // A jti is one token's: when it was issued, by a clock that may be ahead, matters to a sub
    // alone.
    if (now && revocation.kind == Revocation::Kind::Jti)
        now = ring::time_text::kLastSecond;
    const json_t* before = json_object_get(root.get(), "before");
    const auto seconds = before == nullptr ? now : seconds_of(before);
    if (!seconds) {
        why = kTime;
        return std::nullopt;
    }
    revocation.before = *seconds;
    return revocation;
}

std::string revocation_line(const Revocation& revocation) {
    const bool sub = revocation.kind == Revocation::Kind::Sub;
    const std::unique_ptr<json_t, FreeJson> root(
        json_pack("{s:s%}", sub ? "sub" : "jti", revocation.value.data(), revocation.value.size()));
    if (!root)
        throw std::bad_alloc();
    if (!revocation.iss.empty())
        json_object_set_new(root.get(), "iss",
                            json_stringn(revocation.iss.data(), revocation.iss.size()));
    json_object_set_new(root.get(), "before", json_integer(revocation.before));
    const std::unique_ptr<char, FreeText> text(json_dumps(root.get(), JSON_COMPACT));
    if (!text)
        throw std::bad_alloc();
    return std::string(text.get()) + "\n";
}

RevocationSet::Put RevocationSet::put(const Revocation& revocation) {
    Key key{revocation.kind, revocation.value, revocation.iss};
    const auto found = entries_.find(key);
    if (found != entries_.end()) {
        if (revocation.before <= found->second)
            return Put::Known;
        found->second = revocation.before;
        return Put::Raised;
    }
    if (entries_.size() >= limit_)
        return Put::Full;
    entries_.emplace(std::move(key), revocation.before);
    return Put::Added;
}

}  // namespace herald::sidecar

#include "compact.hpp"

#include <strings.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base64url.hpp"

namespace herald::jwt {

namespace {

constexpr int64_t kMaxTime = int64_t{1} << 53;  // in milliseconds it still fits 64 bits

// RFC 7515, section 4.1.9: a type without a slash stands for one under application/.
bool is_token_type(std::string_view type) {
    constexpr std::string_view kPrefix = "application/";
    if (type.size() > kPrefix.size() &&
        strncasecmp(type.data(), kPrefix.data(), kPrefix.size()) == 0)
        type.remove_prefix(kPrefix.size());
    auto is = [type](std::string_view name) {
        return type.size() == name.size() &&
               strncasecmp(type.data(), name.data(), name.size()) == 0;
    };
    return is("JWT") || is("at+jwt");
}

// All tokens of a key have the same header, so the ones read last are kept. Never changed: whoever
// gets one shares it.
class Headers {
  public:
    Json read(std::string_view text) {
        Kept& kept = kept_[std::hash<std::string_view>()(text) % std::size(kept_)];
        if (kept.object != nullptr && kept.text == text)
            return Json(json_incref(kept.object.get()));
        Json object = parse_object(text);
        if (object != nullptr) {
            kept.object.reset();
            kept.text = text;
            kept.object.reset(json_incref(object.get()));
        }
        return object;
    }

  private:
    struct Kept {
        std::string text{};
        Json object{};
    };
    Kept kept_[8];
};

const char* read_header(Compact& compact) {
    const json_t* header = compact.header.get();
    if (json_object_get(header, "crit") != nullptr)
        return "has a crit in its header: no extension is supported";
    if (json_object_get(header, "b64") != nullptr)
        return "has a b64 in its header: only encoded payloads are supported";

    compact.alg = string_member(header, "alg");
    if (compact.alg.data() == nullptr)
        return "has no alg in its header";
    if (json_object_get(header, "kid") != nullptr) {
        compact.kid = string_member(header, "kid");
        if (compact.kid->data() == nullptr)
            return "has a kid that is no string";
    }
    if (json_object_get(header, "typ") != nullptr && !is_token_type(string_member(header, "typ")))
        return "has a typ other than JWT and at+jwt";
    return nullptr;
}

// NumericDate of RFC 7519, section 2. False where the claim is there and no number.
bool read_time(const json_t* claims, const char* name, std::optional<int64_t>& time) {
    const json_t* claim = json_object_get(claims, name);
    if (claim == nullptr)
        return true;
    if (json_is_integer(claim)) {
        time = std::clamp<int64_t>(json_integer_value(claim), -kMaxTime, kMaxTime);
        return true;
    }
    if (!json_is_real(claim) || std::isnan(json_real_value(claim)))
        return false;
    constexpr auto kMax = static_cast<double>(kMaxTime);
    time = static_cast<int64_t>(std::clamp(std::floor(json_real_value(claim)), -kMax, kMax));
    return true;
}

bool is_audience(const json_t* aud) {
    if (aud == nullptr || json_is_string(aud))
        return true;
    if (!json_is_array(aud))
        return false;
    for (size_t i = 0; i < json_array_size(aud); ++i) {
        if (!json_is_string(json_array_get(aud, i)))
            return false;
    }
    return true;
}

const char* read_claims(Compact& compact) {
    const json_t* claims = compact.claims.get();
    if (!read_time(claims, "exp", compact.exp))
        return "has an exp that is no number";
    if (!read_time(claims, "nbf", compact.nbf))
        return "has an nbf that is no number";
    if (!read_time(claims, "iat", compact.iat))
        return "has an iat that is no number";

    auto is_absent_or_string = [claims](const char* name) {
        const json_t* claim = json_object_get(claims, name);
        return claim == nullptr || json_is_string(claim);
    };
    if (!is_absent_or_string("iss"))
        return "has an iss that is no string";
    if (!is_absent_or_string("sub"))
        return "has a sub that is no string";
    if (!is_absent_or_string("jti"))
        return "has a jti that is no string";
    if (!is_audience(json_object_get(claims, "aud")))
        return "has an aud that is neither a string nor an array of strings";
    return nullptr;
}

}  // namespace

const char* parse_compact(std::string_view token, Compact& compact) {
    compact = Compact{};
    if (token.size() > kMaxToken)
        return "has more than 8 KiB";
    const size_t first = token.find('.');
    const size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
    if (second == token.npos || token.find('.', second + 1) != token.npos)
        return "does not have three parts";

    compact.signed_text = token.substr(0, second);
    std::string text;
    if (!decode_base64url(token.substr(0, first), text))
        return "has a header that is not base64url";
    thread_local Headers headers;
    compact.header = headers.read(text);
    if (compact.header == nullptr)
        return "has a header that is no JSON object whose members are all different";
    if (!decode_base64url(token.substr(first + 1, second - first - 1), text))
        return "has claims that are not base64url";
    compact.claims = parse_object(text);
    if (compact.claims == nullptr)
        return "has claims that are no JSON object whose members are all different";
    if (!decode_base64url(token.substr(second + 1), compact.signature))
        return "has a signature that is not base64url";

    if (const char* problem = read_header(compact))
        return problem;
    return read_claims(compact);
}

}  // namespace herald::jwt

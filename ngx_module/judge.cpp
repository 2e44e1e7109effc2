#include "judge.hpp"

#include <algorithm>

#include "worker.hpp"

namespace herald {

namespace {

bool has_opaque(const std::shared_ptr<OpaqueTokens>& tokens) {
    return tokens != nullptr && !tokens->empty();
}

Judgement judgement_of(jwt::Verdict verdict) {
    switch (verdict) {
        case jwt::Verdict::Expired:
            return {AuthStatus::Expired, nullptr, jwt::describe(verdict)};
        case jwt::Verdict::NoKeys:
            return {AuthStatus::Unconfigured, nullptr, jwt::describe(verdict)};
        default:
            return {AuthStatus::Invalid, nullptr, jwt::describe(verdict)};
    }
}

// Of all these issuers; returns for how long it is worth while to wait, in milliseconds.
uint64_t ask_for_newer_keys(const AuthList& list, const std::vector<const jwt::Issuer*>& unknown) {
    Worker* worker = Worker::current();
    uint64_t wait = 0;
    for (const IssuerSettings* settings : list.issuers) {
        const bool lacks_key =
            std::find(unknown.begin(), unknown.end(), &settings->issuer) != unknown.end();
        if (!lacks_key || worker == nullptr)
            continue;
        for (const IssuerSettings::Watched& source : settings->watched)
            wait = std::max(wait, worker->trust().refetch(source.source, now_ms()));
    }
    return wait;
}

// A source of keys without what may be secret in a URL: user, password and query.
std::string without_secrets(std::string_view source) {
    if (!source.starts_with("url:"))
        return std::string(source);
    std::string shown(source.substr(0, source.find_first_of("?#")));
    const size_t host = shown.find("://") + 3;  // it was checked to be a URL
    const size_t user_end = shown.rfind('@', shown.find('/', host));
    if (user_end != shown.npos && user_end >= host)
        shown.erase(host, user_end + 1 - host);
    return shown;
}

// -1: memory is out.
int holds(ngx_http_request_t* r, const Grant& grant, const Identity& identity) {
    ngx_str_t value;
    auto* compiled = const_cast<ngx_http_complex_value_t*>(&grant.value);
    if (ngx_http_complex_value(r, compiled, &value) != NGX_OK)
        return -1;
    // A variable without a value must never equal a claim without one.
    if (value.len == 0)
        return 0;
    switch (grant.kind) {
        case Grant::Kind::Role:
            return has_role(identity, view(value)) ? 1 : 0;
        case Grant::Kind::User:
            return identity.claims.user == view(value) ? 1 : 0;
        case Grant::Kind::Claim:
            return jwt::has_claim(identity.claims.all.get(), grant.path, view(value)) ? 1 : 0;
    }
    return 0;
}

}  // namespace

bool is_revoked(const Identity& identity) {
    Worker* worker = Worker::current();
    if (identity.opaque || worker == nullptr)
        return false;
    const jwt::Claims& claims = identity.claims;
    return worker->trust().is_revoked(claims.sub, claims.jti, claims.iss, claims.issued);
}

std::string_view name_of(AuthStatus status) {
    switch (status) {
        case AuthStatus::None:
            return "none";
        case AuthStatus::Ambiguous:
            return "ambiguous";
        case AuthStatus::Invalid:
            return "invalid";
        case AuthStatus::Expired:
            return "expired";
        case AuthStatus::Revoked:
            return "revoked";
        case AuthStatus::Forbidden:
            return "forbidden";
        case AuthStatus::Unconfigured:
            return "unconfigured";
        case AuthStatus::Ok:
            return "ok";
    }
    return {};
}

Judge& Judge::current() {
    static Judge judge;
    return judge;
}

bool is_configured(const AuthSettings& settings) {
    if (settings.list->opaque &&
        (has_opaque(settings.static_tokens) || has_opaque(settings.credentials)))
        return true;
    for (const IssuerSettings* issuer : settings.list->issuers) {
        if (issuer->configured)
            return true;
    }
    return false;
}

Judgement Judge::identify(const AuthSettings& settings, const Presented& presented, int64_t now) {
    if (!is_configured(settings))
        return {AuthStatus::Unconfigured, nullptr, "nothing to compare a token with"};
    if (presented.ambiguous)
        return {AuthStatus::Ambiguous, nullptr, "more than one token"};
    if (presented.malformed)
        return {AuthStatus::Invalid, nullptr, "no token can be read from the header"};
    if (presented.from == TokenFrom::Nowhere)
        return {AuthStatus::None, nullptr, "no token"};
    if (presented.from != TokenFrom::ApiKey)
        return identify_token(settings, presented.token, now);

    std::shared_ptr<const Identity> identity;
    if (settings.list->opaque && settings.credentials != nullptr)
        identity = settings.credentials->find_pair(presented.token, presented.secret);
    if (identity == nullptr)
        return {AuthStatus::Invalid, nullptr, "the API key is unknown"};
    return {AuthStatus::Ok, std::move(identity), {}};
}

Judgement Judge::identify_token(const AuthSettings& settings, std::string_view token, int64_t now) {
    if (token.empty() || token.size() > jwt::kMaxToken)
        return {AuthStatus::Invalid, nullptr, jwt::describe(jwt::Verdict::Malformed)};
    const AuthList& list = *settings.list;
    const Digest digest = digest_of(token);
    if (list.opaque) {
        for (const auto& tokens : {settings.static_tokens, settings.credentials}) {
            auto identity = tokens == nullptr ? nullptr : tokens->find_token(digest);
            if (identity != nullptr)
                return {AuthStatus::Ok, std::move(identity), {}};
        }
    }
    if (list.issuers.empty())
        return {AuthStatus::Invalid, nullptr, "the token is unknown"};

    Judgement judgement;
    judgement.identity = cache_.find(&list, digest, now);
    if (judgement.identity == nullptr) {
        judgement = verify(list, token, now);
        if (judgement.status != AuthStatus::Ok)
            return judgement;
        cache_.keep(&list, digest, judgement.identity);
    }
    if (is_revoked(*judgement.identity))
        return {AuthStatus::Revoked, nullptr, "the token has been revoked"};
    judgement.status = AuthStatus::Ok;
    return judgement;
}

Judgement Judge::verify(const AuthList& list, std::string_view token, int64_t now) {
    std::vector<const jwt::Issuer*> issuers;
    for (const IssuerSettings* settings : list.issuers) {
        if (settings->configured)
            issuers.push_back(&settings->issuer);
    }
    auto identity = std::make_shared<Identity>();
    std::vector<const jwt::Issuer*> unknown;
    jwt::Verdict verdict = jwt::verify(token, issuers, now, identity->claims, &unknown);
    if (verdict == jwt::Verdict::Valid) {
        if (!is_plain_text(identity->claims.user))
            return {AuthStatus::Invalid, nullptr, "its user has control characters"};
        return {AuthStatus::Ok, std::move(identity), {}};
    }
    const uint64_t news_ms = ask_for_newer_keys(list, unknown);
    // Where one of several issuers has no keys yet, another's verdict is not the last word.
    for (const jwt::Issuer* one : issuers) {
        if (issuers.size() > 1 && one->keys.empty() &&
            jwt::verify(token, {&one, 1}, now, identity->claims) == jwt::Verdict::NoKeys)
            verdict = jwt::Verdict::NoKeys;
    }
    Judgement judgement = judgement_of(verdict);
    judgement.news_ms = news_ms;
    return judgement;
}

void Judge::take_keys(AuthMainSettings& settings, std::string_view source, std::string_view json,
                      ngx_log_t* log) {
    const std::string shown = without_secrets(source);
    ngx_str_t source_text = as_ngx_str(shown);
    for (const auto& issuer : settings.issuers) {
        for (IssuerSettings::Watched& watched : issuer->watched) {
            if (watched.source != source)
                continue;
            std::vector<std::string> skipped;
            std::string why;
            ngx_str_t name = as_ngx_str(issuer->issuer.name);
            auto keys = jwt::import_jwks(json, issuer->issuer.algorithms, skipped, why);
            for (const std::string& one : skipped) {
                ngx_str_t text = as_ngx_str(one);
                ngx_log_error(NGX_LOG_WARN, log, 0, "herald: issuer \"%V\", %V: %V", &name,
                              &source_text, &text);
            }
            if (keys == nullptr) {
                ngx_str_t text = as_ngx_str(why);
                ngx_log_error(NGX_LOG_ERR, log, 0,
                              "herald: issuer \"%V\" keeps its keys, new ones of %V cannot be "
                              "used: %V",
                              &name, &source_text, &text);
                continue;
            }
            watched.keys = std::move(keys);
            issuer->collect_keys();
        }
    }
    cache_.clear();
}

ngx_int_t may_pass(ngx_http_request_t* r, const AuthSettings& settings, const Identity& identity) {
    if (settings.admin_role && has_role(identity, *settings.admin_role))
        return NGX_OK;
    for (const GrantLine& line : settings.required) {
        bool granted = false;
        for (const Grant& grant : line) {
            const int held = holds(r, grant, identity);
            if (held < 0)
                return NGX_ERROR;
            granted = granted || held == 1;
        }
        if (!granted)
            return NGX_DECLINED;
    }
    return NGX_OK;
}

}  // namespace herald

#include "access.hpp"

#include "refusal.hpp"
#include "worker.hpp"

namespace herald {

namespace {

AuthContext* own_context(ngx_http_request_t* r) {
    return static_cast<AuthContext*>(ngx_http_get_module_ctx(r, ngx_http_herald_auth_module));
}

void destroy_context(void* data) noexcept {
    static_cast<AuthContext*>(data)->~AuthContext();
}

// It hangs on the pool's clean-ups, where `admitted` finds it again when an internal redirect has
// cleared the contexts.
AuthContext* make_context(ngx_http_request_t* r) {
    if (AuthContext* context = own_context(r); context != nullptr)
        return context;
    ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(r->pool, sizeof(AuthContext));
    if (cleanup == nullptr)
        return nullptr;
    auto* context = new (cleanup->data) AuthContext;
    cleanup->handler = destroy_context;
    ngx_http_set_ctx(r, context, ngx_http_herald_auth_module);
    return context;
}

struct Answer {
    ngx_uint_t status;
    std::string_view authenticate;  // RFC 6750, section 3
    std::string_view body;
};

Answer answer_to(const Denied& denied, AuthStatus status) {
    switch (status) {
        case AuthStatus::None:
            return {denied.none, R"(Bearer realm="herald")",
                    R"({"detail":"Authentication required"})"};
        case AuthStatus::Ambiguous:
            return {NGX_HTTP_BAD_REQUEST, {}, R"({"detail":"More than one token"})"};
        case AuthStatus::Expired:
            return {denied.invalid,
                    R"(Bearer realm="herald", error="invalid_token", )"
                    R"(error_description="The token has expired")",
                    R"({"detail":"The token has expired"})"};
        case AuthStatus::Revoked:
            return {denied.invalid,
                    R"(Bearer realm="herald", error="invalid_token", )"
                    R"(error_description="The token has been revoked")",
                    R"({"detail":"The token has been revoked"})"};
        case AuthStatus::Forbidden:
            return {denied.forbidden, R"(Bearer realm="herald", error="insufficient_scope")",
                    R"({"detail":"Access denied"})"};
        case AuthStatus::Unconfigured:
            return {denied.unconfigured, {}, R"({"detail":"Authentication is not configured"})"};
        case AuthStatus::Invalid:
        case AuthStatus::Ok:
            break;
    }
    return {denied.invalid, R"(Bearer realm="herald", error="invalid_token")",
            R"({"detail":"Invalid token"})"};
}

ngx_int_t deny(ngx_http_request_t* r, const AuthSettings& settings, AuthStatus status,
               std::string_view reason) {
    const Denied denied = settings.denied.value_or(Denied{});
    const Answer answer = answer_to(denied, status);
    const ngx_uint_t level =
        status == AuthStatus::Unconfigured ? ngx_uint_t{NGX_LOG_ERR} : ngx_uint_t{NGX_LOG_INFO};
    ngx_str_t text = as_ngx_str(reason);
    ngx_log_error(level, r->connection->log, 0, "herald: access refused: %V", &text);

    Refusal refusal{answer.status, answer.authenticate, answer.body};
    if (answer.status != NGX_HTTP_UNAUTHORIZED && answer.status != NGX_HTTP_FORBIDDEN)
        refusal.authenticate = {};
    std::string body;
    if (denied.body != nullptr && status != AuthStatus::Ambiguous) {
        if (!denied.body->evaluate(r, body))
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        refusal.body = body;
    }
    return refuse_access(r, refusal);
}

// For how many milliseconds to wait for what the sidecar may know better than this judgement: of
// keys that are not here yet, or of revocations.
uint64_t awaits_news(const AuthSettings& settings, const Judgement& judgement) {
    Worker* worker = Worker::current();
    if (worker == nullptr)
        return 0;
    if (judgement.news_ms != 0)
        return judgement.news_ms;
    const bool early =
        judgement.status == AuthStatus::Ok
            ? !judgement.identity->opaque && !worker->trust().knows_revocations()
            : judgement.status == AuthStatus::Unconfigured && is_configured(settings);
    return early ? AccessWait::grace_ms() : 0;
}

ngx_int_t authorize(ngx_http_request_t* r) {
    const AuthSettings& settings = auth_settings(r);
    if (settings.list->is_off())
        return NGX_DECLINED;
    AuthContext* context = make_context(r);
    if (context == nullptr)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    const Presented presented = presented_token(r);
    Judgement judgement = Judge::current().identify(settings, presented, ngx_time());
    if (const uint64_t wait_ms = awaits_news(settings, judgement)) {
        if (context->wait == nullptr)
            context->wait = std::make_unique<AccessWait>(r);
        context->wait->expect(wait_ms);
        return NGX_AGAIN;
    }
    context->wait.reset();
    context->from = presented.from;
    if (judgement.status == AuthStatus::Ok) {
        context->identity = judgement.identity;
        const ngx_int_t passes = may_pass(r, settings, *judgement.identity);
        if (passes == NGX_ERROR)
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        if (passes == NGX_DECLINED) {
            judgement.status = AuthStatus::Forbidden;
            judgement.reason = "the token lacks what herald_require asks for";
        }
    }
    context->status = judgement.status;
    if (judgement.status == AuthStatus::Ok)
        return NGX_OK;
    return deny(r, settings, judgement.status, judgement.reason);
}

}  // namespace

const AuthContext* auth_of(ngx_http_request_t* r) {
    const AuthContext* own = own_context(r);
    return own != nullptr || r == r->main ? own : own_context(r->main);
}

AuthNote note_auth(ngx_http_request_t* r) {
    const AuthContext* context = own_context(r);
    if (context == nullptr)
        return {};
    return {context->identity.get(), context->status, context->from, true};
}

bool restore_auth(ngx_http_request_t* r, const AuthNote& note,
                  const std::shared_ptr<const Identity>& identity) {
    if (!note.asked)
        return true;
    AuthContext* context = make_context(r);
    if (context == nullptr)
        return false;
    context->status = note.status;
    context->from = note.from;
    if (note.identity != nullptr)
        context->identity = identity;
    return true;
}

bool is_auth_cleanup(ngx_pool_cleanup_pt handler) {
    return handler == destroy_context;
}

std::shared_ptr<const Identity> admitted(ngx_http_request_t* r) {
    // The newest comes first.
    for (ngx_pool_cleanup_t* at = r->pool->cleanup; at != nullptr; at = at->next) {
        if (at->handler != destroy_context)
            continue;
        const auto* context = static_cast<const AuthContext*>(at->data);
        if (context->status == AuthStatus::Ok && context->identity != nullptr)
            return context->identity;
    }
    return nullptr;
}

ngx_int_t access_handler(ngx_http_request_t* r) noexcept {
    return guard(r->connection->log, ngx_int_t{NGX_HTTP_INTERNAL_SERVER_ERROR},
                 [&] { return authorize(r); });
}

}  // namespace herald

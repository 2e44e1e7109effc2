// The only place that includes nginx's C headers, and small bridges between its types and ours.
#pragma once

extern "C" {
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
}

#include <algorithm>
#include <new>
#include <string>
#include <string_view>
#include <utility>

extern ngx_module_t ngx_http_herald_module;

namespace herald {

inline std::string_view view(const ngx_str_t& text) {
    return {reinterpret_cast<const char*>(text.data), text.len};
}

// A view as nginx's string: shares the bytes.
inline ngx_str_t as_ngx_str(std::string_view text) {
    return {text.size(), reinterpret_cast<u_char*>(const_cast<char*>(text.data()))};
}

// A copy of `text` in a pool; data is nullptr when memory is out.
inline ngx_str_t copy_to_pool(ngx_pool_t* pool, std::string_view text) {
    ngx_str_t copy{text.size(), static_cast<u_char*>(ngx_pnalloc(pool, text.size() + 1))};
    if (copy.data == nullptr)
        copy.len = 0;
    else
        *std::copy(text.begin(), text.end(), copy.data) = '\0';  // an empty view may point nowhere
    return copy;
}

// Pools align to this much and no more.
static_assert(NGX_ALIGNMENT >= alignof(void*));

// An object with real members that lives as long as a pool, and is destroyed with it; nullptr when
// memory is out. The constructor's exceptions leave nothing behind.
template <class Object, class... Arguments>
Object* make_in_pool(ngx_pool_t* pool, Arguments&&... arguments) {
    static_assert(alignof(Object) <= NGX_ALIGNMENT);
    void* memory = ngx_palloc(pool, sizeof(Object));
    ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(pool, 0);
    if (memory == nullptr || cleanup == nullptr)
        return nullptr;
    auto* object = new (memory) Object(std::forward<Arguments>(arguments)...);
    cleanup->data = object;
    cleanup->handler = [](void* data) noexcept { static_cast<Object*>(data)->~Object(); };
    return object;
}

// Runs `body` at a C edge: what it throws is logged, and `failure` is returned instead.
template <class Result, class Body>
Result guard(ngx_log_t* log, Result failure, Body&& body) noexcept {
    try {
        return body();
    } catch (const std::exception& error) {
        ngx_log_error(NGX_LOG_ALERT, log, 0, "herald: %s", error.what());
    } catch (...) {
        ngx_log_error(NGX_LOG_ALERT, log, 0, "herald: unknown exception");
    }
    return failure;
}
template <class Body>
void guard(ngx_log_t* log, Body&& body) noexcept {
    guard(log, 0, [&] {
        body();
        return 0;
    });
}

// Milliseconds of the monotonic clock that nginx's timers use; updated once per loop turn.
inline uint64_t now_ms() {
    return static_cast<uint64_t>(ngx_current_msec);
}

}  // namespace herald

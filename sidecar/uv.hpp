// libuv's handles with C++ owners.
//
// libuv may touch a handle until the callback of uv_close has run, one loop turn after its owner
// let go of it. So the memory belongs to the close callback: a `Handle` closes, the loop frees.
// After the close no callback of the handle runs, except that requests still under way end with
// UV_ECANCELED; their callbacks must not touch the owner then, it may be gone.
#pragma once

#include <uv.h>

#include <memory>
#include <system_error>

namespace herald::sidecar {

template <class T>
struct CloseHandle {
    void operator()(T* handle) const noexcept {
        uv_close(reinterpret_cast<uv_handle_t*>(handle),
                 [](uv_handle_t* closed) noexcept { delete reinterpret_cast<T*>(closed); });
    }
};

template <class T>
using Handle = std::unique_ptr<T, CloseHandle<T>>;

// Makes a handle whose `data` is `owner`. `init` gets a T* and returns libuv's result; throws
// std::system_error where that is an error.
template <class T, class Init>
Handle<T> make_handle(void* owner, const char* what, Init init) {
    auto handle = std::make_unique<T>();
    const int result = init(handle.get());
    if (result < 0)
        throw std::system_error(-result, std::generic_category(), what);
    handle->data = owner;
    return Handle<T>(handle.release());
}

inline Handle<uv_timer_t> make_timer(uv_loop_t* loop, void* owner) {
    return make_handle<uv_timer_t>(
        owner, "timer", [loop](uv_timer_t* timer) { return uv_timer_init(loop, timer); });
}

// The object that a handle was made for.
template <class Owner, class T>
Owner& owner_of(T* handle) {
    return *static_cast<Owner*>(handle->data);
}

}  // namespace herald::sidecar

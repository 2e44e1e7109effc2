// The steps by which events become durable, named, so that a test can end the process at any of
// them.
//
// In the program `g_at_step` is null and a step costs a load and a branch, once a batch.
#pragma once

namespace herald::sidecar {

inline void (*g_at_step)(const char* name) = nullptr;

inline void at_step(const char* name) {
    if (g_at_step != nullptr) [[unlikely]]
        g_at_step(name);
}

}  // namespace herald::sidecar

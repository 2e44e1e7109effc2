// The hash of channel names that sidecar and workers share: XXH3 (libxxhash, inlined), seeded anew
// for every ring, so that a producer cannot prepare collisions.
#pragma once

#include <cstdint>
#include <string_view>

#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

namespace herald::ring {

inline uint64_t hash_channel(std::string_view channel, uint64_t seed) {
    return XXH3_64bits_withSeed(channel.data(), channel.size(), seed);
}

}  // namespace herald::ring

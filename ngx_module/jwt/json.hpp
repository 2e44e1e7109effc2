// JSON from strangers, parsed by jansson within bounds.
#pragma once

#include <jansson.h>

#include <cstddef>
#include <memory>
#include <string_view>

namespace herald::jwt {

struct FreeJson {
    void operator()(json_t* value) const { json_decref(value); }
};
using Json = std::unique_ptr<json_t, FreeJson>;

constexpr size_t kMaxDepth = 32;  // of arrays and objects within each other

// The object that `text` is, and nothing behind it; nullptr where it is none, is not UTF-8, has a
// member twice (at any depth), a NUL in a string, or is deeper than kMaxDepth.
Json parse_object(std::string_view text);

// The string that is the member `name` of an object; an empty view with nullptr as data where there
// is no such member or it is no string. Lives as long as the object.
std::string_view string_member(const json_t* object, const char* name);

}  // namespace herald::jwt

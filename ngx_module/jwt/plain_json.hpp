// Reads the JSON that nearly all tokens are made of, several times faster than jansson's parser
// does, into jansson's values.
//
// Plain is: an object; strings of ASCII without escapes; integers of up to 18 digits; true, false,
// null; arrays and objects of such, a few deep; no member twice. It says nothing about anything
// else: that is for jansson (json.hpp), whose result would be the same for what is plain.
#pragma once

#include <string_view>

#include "json.hpp"

namespace herald::jwt {

// The object that `text` is; nullptr where it is not plain, whether it is JSON or not.
Json read_plain_object(std::string_view text);

}  // namespace herald::jwt

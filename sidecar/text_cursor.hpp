// Takes a text apart from its front, for formats of our own that have exactly one spelling.
#pragma once

#include <cstddef>
#include <string_view>

namespace herald::sidecar {

struct TextCursor {
    std::string_view rest;

    // Goes past `word` where the text goes on with it.
    bool take(std::string_view word) {
        if (!rest.starts_with(word))
            return false;
        rest.remove_prefix(word.size());
        return true;
    }

    // Goes past `length` bytes and sets `part` to them. False where there are fewer.
    bool take(size_t length, std::string_view& part) {
        if (rest.size() < length)
            return false;
        part = rest.substr(0, length);
        rest.remove_prefix(length);
        return true;
    }

    // Goes to the next `end` and sets `part` to what is before it. False where there is none.
    bool take_until(char end, std::string_view& part) {
        const size_t at = rest.find(end);
        return at != rest.npos && take(at, part);
    }
};

}  // namespace herald::sidecar

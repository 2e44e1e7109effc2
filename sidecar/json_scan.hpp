// Checks that bytes are exactly one JSON value (RFC 8259) and finds one member of a top-level
// object on the way, in one pass.
//
// It follows the grammar and nothing more: numbers of any size, escapes of lone surrogates and
// nesting of any depth are fine, because the bytes go on as they came. It never recurses; a level
// costs one bit. It does not check UTF-8 (ring/utf8.hpp does, before) and does not build values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace herald::sidecar {

// What an object's member was, seen from outside.
enum class Member {
    Absent,  // no such member, or the value is no object
    String,  // a string; its raw text is known
    Other,   // there, but no string
};

class JsonScanner {
  public:
    // Whether `text` is one JSON value. When it is an object and `name` is not empty, looks for
    // the top-level member of that name, the last one where there are several.
    bool scan(std::string_view text, std::string_view name);

    // Of the last successful scan.
    Member member() const { return member_; }
    // The member's string without its quotes, escapes untouched; views into the scanned text.
    std::string_view raw_string() const { return raw_string_; }

  private:
    enum class Next { Value, ValueOrEnd, KeyOrEnd, Key, CommaOrEnd };

    void skip_space();
    bool open(bool object);
    bool close(bool object);
    bool value(char first);
    bool key();
    bool string(std::string_view& raw);
    bool number();
    bool literal(std::string_view word);

    const char* at_ = nullptr;
    const char* end_ = nullptr;
    std::string_view name_{};

    std::vector<bool> inside_object_{};  // one entry per open level
    Next next_ = Next::Value;
    bool wanted_ = false;  // the value to come belongs to the member looked for

    Member member_ = Member::Absent;
    std::string_view raw_string_{};
};

// Decodes the escapes of a JSON string (as raw_string gives it) into UTF-8 and appends it to
// `out`. False, with `out` in any state, where an escape is a lone surrogate: it has no UTF-8 form.
bool unescape_json(std::string_view raw, std::string& out);

}  // namespace herald::sidecar

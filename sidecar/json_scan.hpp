// Checks that bytes are exactly one JSON value (RFC 8259) and finds some members of a top-level
// object on the way, in one pass.
//
// It follows the grammar and nothing more: numbers of any size, escapes of lone surrogates and
// nesting of any depth are fine, because the bytes go on as they came. It never recurses; a level
// costs one bit. It does not check UTF-8 (ring/utf8.hpp does, before) and does not build values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace herald::sidecar {

// What an object's member was, seen from outside.
enum class Member : uint8_t {
    Absent,  // no such member, or the value is no object
    String,
    Number,
    Other,  // true, false, null, an array or an object
};

class JsonScanner {
  public:
    static constexpr size_t kMaxNames = 4;

    // Whether `text` is one JSON value. When it is an object, looks for the top-level members of
    // these names, the last one where there are several of one name. At most kMaxNames; they may
    // be equal; an empty one is never found.
    bool scan(std::string_view text, std::span<const std::string_view> names);

    // Of the last successful scan, by the place of the name among `names`.
    Member member(size_t i) const { return found_[i].kind; }
    // The member's value as it is written, a view into the scanned text: a string without its
    // quotes, escapes untouched. Empty where it is absent.
    std::string_view raw(size_t i) const { return found_[i].raw; }

  private:
    enum class Next { Value, ValueOrEnd, KeyOrEnd, Key, CommaOrEnd };
    using Wanted = uint8_t;  // bit i: the member of the i-th name

    struct Found {
        Member kind = Member::Absent;
        std::string_view raw{};
    };

    void skip_space();
    bool open(bool object);
    bool close(bool object);
    bool value(char first);
    bool wanted_value(char first);
    void keep(Wanted wanted, Member kind, std::string_view raw);
    bool key();
    Wanted match(std::string_view key) const;
    bool string(std::string_view& raw);
    bool number();
    bool literal(std::string_view word);

    const char* at_ = nullptr;
    const char* end_ = nullptr;
    std::span<const std::string_view> names_{};

    std::vector<bool> inside_object_{};  // one entry per open level
    Next next_ = Next::Value;
    bool has_escapes_ = false;  // in the string read last
    Wanted wanted_ = 0;         // whose value is to come
    Wanted wanted_inside_ = 0;  // whose array or object is open
    const char* inside_begin_ = nullptr;

    std::array<Found, kMaxNames> found_{};
};

// Decodes the escapes of a JSON string (as `raw` gives it) into UTF-8 and appends it to
// `out`. False, with `out` in any state, where an escape is a lone surrogate: it has no UTF-8 form.
bool unescape_json(std::string_view raw, std::string& out);

}  // namespace herald::sidecar

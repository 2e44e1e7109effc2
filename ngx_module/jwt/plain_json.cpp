#include "plain_json.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

#include "eight_bytes.hpp"

namespace herald::jwt {

namespace {

constexpr int kMaxNesting = 8;
constexpr size_t kMaxDigits = 18;  // always fit 64 bits

// Marks each byte that a plain string cannot have: a quote, a backslash, a control character, one
// that is not ASCII.
constexpr uint64_t specials(uint64_t word) {
    return bytes_equal(word, '"') | bytes_equal(word, '\\') | bytes_below(word, 0x20) |
           bytes_not_ascii(word);
}

class Reader {
  public:
    explicit Reader(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

    Json read() {
        skip_space();
        if (at_ == end_ || *at_ != '{')
            return nullptr;
        Json object = read_object(0);
        skip_space();
        return at_ == end_ ? std::move(object) : nullptr;
    }

  private:
    Json read_value(int nesting) {
        skip_space();
        if (at_ == end_ || nesting > kMaxNesting)
            return nullptr;
        switch (*at_) {
            case '"':
                return read_text();
            case '{':
                return read_object(nesting);
            case '[':
                return read_array(nesting);
            case 't':
                return Json(take("true") ? json_true() : nullptr);
            case 'f':
                return Json(take("false") ? json_false() : nullptr);
            case 'n':
                return Json(take("null") ? json_null() : nullptr);
            default:
                return read_integer();
        }
    }

    Json read_object(int nesting) {
        ++at_;
        Json object(json_object());
        if (take_next('}'))
            return object;
        do {
            skip_space();
            std::string_view name;
            if (!read_string(name) || !take_next(':'))
                return nullptr;
            Json value = read_value(nesting + 1);
            const size_t others = json_object_size(object.get());
            if (value == nullptr ||
                json_object_setn_new_nocheck(object.get(), name.data(), name.size(),
                                             value.release()) != 0 ||
                json_object_size(object.get()) == others)
                return nullptr;
        } while (take_next(','));
        return take_next('}') ? std::move(object) : nullptr;
    }

    Json read_array(int nesting) {
        ++at_;
        Json array(json_array());
        if (take_next(']'))
            return array;
        do {
            Json value = read_value(nesting + 1);
            if (value == nullptr || json_array_append_new(array.get(), value.release()) != 0)
                return nullptr;
        } while (take_next(','));
        return take_next(']') ? std::move(array) : nullptr;
    }

    Json read_text() {
        std::string_view text;
        return Json(read_string(text) ? json_stringn_nocheck(text.data(), text.size()) : nullptr);
    }

    bool read_string(std::string_view& text) {
        if (at_ == end_ || *at_ != '"')
            return false;
        const char* first = ++at_;
        uint64_t found = 0;
        while (end_ - at_ >= 8) {
            found = specials(load_eight(at_));
            if (found != 0)
                break;
            at_ += 8;
        }
        if (found != 0)
            at_ += std::countr_zero(found) / 8;
        else
            while (at_ != end_ && specials(static_cast<uint8_t>(*at_) * kEachByte) == 0)
                ++at_;
        if (at_ == end_ || *at_ != '"')
            return false;
        text = {first, static_cast<size_t>(at_ - first)};
        ++at_;
        return true;
    }

    Json read_integer() {
        const bool negative = *at_ == '-';
        at_ += negative;
        const char* first = at_;
        int64_t number = 0;
        while (at_ != end_ && *at_ >= '0' && *at_ <= '9' &&
               static_cast<size_t>(at_ - first) < kMaxDigits)
            number = number * 10 + (*at_++ - '0');
        const bool leading_zero = at_ - first > 1 && *first == '0';
        const bool goes_on = at_ != end_ && std::strchr("0123456789.eE", *at_) != nullptr;
        if (at_ == first || leading_zero || goes_on)
            return nullptr;
        return Json(json_integer(negative ? -number : number));
    }

    void skip_space() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r'))
            ++at_;
    }

    bool take(std::string_view word) {
        if (static_cast<size_t>(end_ - at_) < word.size() ||
            std::memcmp(at_, word.data(), word.size()) != 0)
            return false;
        at_ += word.size();
        return true;
    }

    bool take_next(char c) {
        skip_space();
        if (at_ == end_ || *at_ != c)
            return false;
        ++at_;
        return true;
    }

    const char* at_;
    const char* end_;
};

}  // namespace

Json read_plain_object(std::string_view text) {
    return Reader(text).read();
}

}  // namespace herald::jwt

// Takes the published messages out of a Redis subscription's bytes. Understands exactly what a
// subscriber is sent: arrays of bulk strings and integers.
//
//     *3\r\n $7\r\nmessage\r\n $7\r\nbench:0\r\n $200\r\n{"n":...}\r\n
#pragma once

#include <charconv>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace herald::bench {

class RespMessages {
  public:
    struct Message {
        std::string_view channel;
        std::string_view data;
    };

    // Appends what was read. Views of earlier messages end here.
    void feed(std::string_view bytes) {
        buffer_.erase(0, at_);
        at_ = 0;
        buffer_ += bytes;
    }

    // The next complete message; nothing when more bytes are needed. Replies to SUBSCRIBE are
    // passed over. Throws when the bytes are not RESP or Redis reports an error.
    std::optional<Message> next() {
        for (;;) {
            size_t at = at_;
            std::string_view parts[3];
            if (!take_array(at, parts)) {
                return std::nullopt;
            }
            at_ = at;
            if (parts[0] == "message") {
                return Message{parts[1], parts[2]};
            }
        }
    }

  private:
    // Reads an array of three elements from `at` on and moves `at` behind it; false when it is not
    // complete.
    bool take_array(size_t& at, std::string_view (&parts)[3]) const {
        auto head = take_line(at);
        if (!head) {
            return false;
        }
        if (*head != "*3") {
            throw std::runtime_error("unexpected from Redis: " + std::string(*head));
        }
        for (std::string_view& part : parts) {
            auto line = take_line(at);
            if (!line) {
                return false;
            }
            if (line->front() == ':') {
                part = line->substr(1);
                continue;
            }
            size_t size = 0;
            std::from_chars(line->data() + 1, line->data() + line->size(), size);
            if (buffer_.size() - at < size + 2) {
                return false;
            }
            part = std::string_view(buffer_).substr(at, size);
            at += size + 2;
        }
        return true;
    }

    std::optional<std::string_view> take_line(size_t& at) const {
        size_t end = buffer_.find("\r\n", at);
        if (end == std::string::npos) {
            return std::nullopt;
        }
        auto line = std::string_view(buffer_).substr(at, end - at);
        if (line.empty()) {
            throw std::runtime_error("unexpected empty line from Redis");
        }
        at = end + 2;
        return line;
    }

    std::string buffer_;
    size_t at_ = 0;  // everything before this has been returned
};

}  // namespace herald::bench

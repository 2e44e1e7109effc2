// Redis's protocol (RESP2) as far as every connection needs it: commands as bytes, what has to be
// said first, replies out of bytes, refusals as texts.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/redis_url.hpp"

struct redisReader;

namespace herald::sidecar {

// Appends a command, word by word.
void append_redis_command(std::string& out, std::span<const std::string_view> words);
inline void append_redis_command(std::string& out, std::initializer_list<std::string_view> words) {
    append_redis_command(out, std::span(words.begin(), words.size()));
}

// What a connection says first: AUTH and SELECT, where the URL asks for them. Each is answered
// once.
struct RedisPreamble {
    std::string bytes{};
    std::vector<std::string_view> commands{};  // their names; literals
};
RedisPreamble redis_preamble(const RedisUrl& url);

// What Redis says. The views live as long as the call that hands it over.
struct RedisReply {
    enum class Type { Nil, Error, Status, String, Integer, Array };

    bool is_string() const { return type == Type::String; }

    Type type = Type::Nil;
    std::string_view text{};                 // of a string, a status or an error
    std::span<const RedisReply> elements{};  // of an array; those of arrays in it are left out
};

// "Redis refuses COMMAND: ..." with what Redis said, but never with the URL's password: a server
// that does not know AUTH repeats what it was told.
std::string redis_refusal(const RedisUrl& url, std::string_view command, const RedisReply& error);

// Replies out of bytes that come in any pieces. Every failure is final. Its memory is used again:
// a reply of a usual size costs no allocation.
class RedisReplies {
  public:
    RedisReplies();
    RedisReplies(const RedisReplies&) = delete;
    RedisReplies& operator=(const RedisReplies&) = delete;

    // Gets a reply for the time of the call; returns why the connection is over, or nothing. It
    // must not destroy the object.
    using Take = std::function<std::optional<std::string>(const RedisReply& reply)>;

    // Takes bytes and hands over the replies that are whole. Returns nothing while all is well, or
    // why the connection is over.
    std::optional<std::string> feed(std::string_view bytes, const Take& take);

  private:
    struct Building;  // what hiredis calls for each part that it has read
    struct FreeReader {
        void operator()(redisReader* reader) const noexcept;
    };

    void clear();
    std::optional<std::string> hand_over(const Take& take);

    std::unique_ptr<redisReader, FreeReader> reader_;

    // The reply that is being read: itself, then its elements, with the ends of their texts.
    std::vector<RedisReply> parts_{};
    std::vector<size_t> ends_{};
    std::string texts_{};
};

}  // namespace herald::sidecar

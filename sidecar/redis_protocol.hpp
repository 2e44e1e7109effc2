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
struct redisReply;

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

// The text of a string, a status or an error; it lives as long as the reply.
std::string_view text_of(const redisReply& reply);

// "Redis refuses COMMAND: ..." with what Redis said, but never with the URL's password: a server
// that does not know AUTH repeats what it was told.
std::string redis_refusal(const RedisUrl& url, std::string_view command, const redisReply& error);

// Replies out of bytes that come in any pieces. Every failure is final.
class RedisReplies {
  public:
    RedisReplies();

    // Gets a reply for the time of the call; returns why the connection is over, or nothing. It
    // must not destroy the object.
    using Take = std::function<std::optional<std::string>(const redisReply& reply)>;

    // Takes bytes and hands over the replies that are whole. Returns nothing while all is well, or
    // why the connection is over.
    std::optional<std::string> feed(std::string_view bytes, const Take& take);

  private:
    struct FreeReader {
        void operator()(redisReader* reader) const noexcept;
    };
    std::unique_ptr<redisReader, FreeReader> reader_;
};

}  // namespace herald::sidecar

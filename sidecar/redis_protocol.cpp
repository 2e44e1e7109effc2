// Commands are written here, replies are read by hiredis.
#include "sidecar/redis_protocol.hpp"

#include <hiredis/hiredis.h>

#include <new>

namespace herald::sidecar {

namespace {

// After every whole reply, hiredis moves what is left in its buffer to the front. Fed in small
// bites there is little to move.
constexpr size_t kBite = 16 * 1024;
// The reader gives its buffer back when it is empty and larger than this.
constexpr size_t kIdleBuffer = 1 << 20;

struct FreeReply {
    void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

}  // namespace

void append_redis_command(std::string& out, std::span<const std::string_view> words) {
    out += '*';
    out += std::to_string(words.size());
    out += "\r\n";
    for (std::string_view word : words) {
        out += '$';
        out += std::to_string(word.size());
        out += "\r\n";
        out += word;
        out += "\r\n";
    }
}

RedisPreamble redis_preamble(const RedisUrl& url) {
    RedisPreamble preamble;
    if (!url.password.empty()) {
        if (url.user.empty())
            append_redis_command(preamble.bytes, {"AUTH", url.password});
        else
            append_redis_command(preamble.bytes, {"AUTH", url.user, url.password});
        preamble.commands.push_back("AUTH");
    }
    if (url.db != 0) {
        append_redis_command(preamble.bytes, {"SELECT", std::to_string(url.db)});
        preamble.commands.push_back("SELECT");
    }
    return preamble;
}

std::string_view text_of(const redisReply& reply) {
    if (reply.str == nullptr)
        return {};
    return {reply.str, static_cast<size_t>(reply.len)};
}

std::string redis_refusal(const RedisUrl& url, std::string_view command, const redisReply& error) {
    std::string said(text_of(error));
    if (!url.password.empty()) {
        constexpr std::string_view kMask = "***";
        for (size_t at = said.find(url.password); at != said.npos;
             at = said.find(url.password, at + kMask.size()))
            said.replace(at, url.password.size(), kMask);
    }
    return "Redis refuses " + std::string(command) + ": " + said;
}

void RedisReplies::FreeReader::operator()(redisReader* reader) const noexcept {
    redisReaderFree(reader);
}

RedisReplies::RedisReplies() : reader_(redisReaderCreate()) {
    if (!reader_)
        throw std::bad_alloc();
    reader_->maxbuf = kIdleBuffer;
}

std::optional<std::string> RedisReplies::feed(std::string_view bytes, const Take& take) {
    while (!bytes.empty()) {
        const std::string_view bite = bytes.substr(0, kBite);
        bytes.remove_prefix(bite.size());
        redisReaderFeed(reader_.get(), bite.data(), bite.size());

        for (;;) {
            void* raw = nullptr;
            if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK)
                return "not the Redis protocol: " + std::string(reader_->errstr);
            if (raw == nullptr)
                break;
            const Reply reply(static_cast<redisReply*>(raw));
            if (auto failure = take(*reply))
                return failure;
        }
    }
    return std::nullopt;
}

}  // namespace herald::sidecar

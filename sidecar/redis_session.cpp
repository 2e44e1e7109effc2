// RESP2 replies come in order: those of AUTH and SELECT, then the confirmations, then messages and
// pongs.
#include "sidecar/redis_session.hpp"

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

std::string command(const std::vector<std::string_view>& words) {
    std::vector<const char*> texts;
    std::vector<size_t> lengths;
    for (std::string_view word : words) {
        texts.push_back(word.data());
        lengths.push_back(word.size());
    }
    char* bytes = nullptr;
    const int length = redisFormatCommandArgv(&bytes, static_cast<int>(words.size()), texts.data(),
                                              lengths.data());
    if (length < 0)
        throw std::bad_alloc();
    const std::unique_ptr<char, void (*)(char*)> owner(bytes, redisFreeCommand);
    return std::string(bytes, static_cast<size_t>(length));
}

std::string_view text_of(const redisReply& reply) {
    if (reply.str == nullptr)
        return {};
    return {reply.str, static_cast<size_t>(reply.len)};
}

bool is_string(const redisReply& reply) {
    return reply.type == REDIS_REPLY_STRING;
}

}  // namespace

void RedisSession::FreeReader::operator()(redisReader* reader) const noexcept {
    redisReaderFree(reader);
}

RedisSession::RedisSession(const RedisUrl& url, const std::vector<std::string>& globs,
                           Listener& listener)
    : url_(url), listener_(listener), reader_(redisReaderCreate()), awaited_(globs.size()) {
    if (!reader_)
        throw std::bad_alloc();
    reader_->maxbuf = kIdleBuffer;
    if (!url.password.empty())
        steps_.push_back("AUTH");
    if (url.db != 0)
        steps_.push_back("SELECT");
    for (const std::string& glob : globs) {
        feed_of_.emplace(glob, globs_.size());
        globs_.push_back(glob);
    }
}

RedisSession::~RedisSession() = default;

std::string RedisSession::greeting() const {
    std::string bytes;
    if (!url_.user.empty())
        bytes += command({"AUTH", url_.user, url_.password});
    else if (!url_.password.empty())
        bytes += command({"AUTH", url_.password});
    if (url_.db != 0)
        bytes += command({"SELECT", std::to_string(url_.db)});

    // One command for all patterns: Redis takes them at once, so that no message of one feed can
    // come before another feed is subscribed.
    std::vector<std::string_view> words{"PSUBSCRIBE"};
    words.insert(words.end(), globs_.begin(), globs_.end());
    return bytes + command(words);
}

std::string RedisSession::ping() {
    return command({"PING"});
}

std::optional<std::string> RedisSession::feed(std::string_view bytes) {
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

std::optional<std::string> RedisSession::take(const redisReply& reply) {
    if (reply.type == REDIS_REPLY_ERROR)
        return refused(reply);
    if (steps_done_ < steps_.size()) {
        ++steps_done_;
        return std::nullopt;
    }

    if (reply.type != REDIS_REPLY_ARRAY || reply.elements == 0 || !is_string(*reply.element[0]))
        return std::nullopt;
    const std::string_view kind = text_of(*reply.element[0]);

    if (kind == "pmessage" && reply.elements == 4 && is_string(*reply.element[1]) &&
        is_string(*reply.element[2]) && is_string(*reply.element[3])) {
        const auto feed = feed_of_.find(text_of(*reply.element[1]));
        if (feed != feed_of_.end())
            listener_.on_message(
                {feed->second, text_of(*reply.element[2]), text_of(*reply.element[3])});
        return std::nullopt;
    }

    if (kind == "psubscribe" && !subscribed() && ++globs_confirmed_ == awaited_)
        listener_.on_subscribed();
    return std::nullopt;
}

std::optional<std::string> RedisSession::refused(const redisReply& reply) const {
    std::string said(text_of(reply));
    // A server that does not know AUTH repeats what it was told.
    if (!url_.password.empty()) {
        for (size_t at = said.find(url_.password); at != said.npos;
             at = said.find(url_.password, at))
            said.replace(at, url_.password.size(), "***"), at += 3;
    }
    const std::string_view step = steps_done_ < steps_.size() ? steps_[steps_done_]
                                  : subscribed()              ? "PING"
                                                              : "PSUBSCRIBE";
    return "Redis refuses " + std::string(step) + ": " + said;
}

}  // namespace herald::sidecar

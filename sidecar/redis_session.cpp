// RESP2 replies come in order: those of AUTH and SELECT, then the confirmations, then messages and
// pongs.
#include "sidecar/redis_session.hpp"

#include <hiredis/hiredis.h>

#include "sidecar/revocation.hpp"

namespace herald::sidecar {

namespace {

bool is_string(const redisReply& reply) {
    return reply.type == REDIS_REPLY_STRING;
}

}  // namespace

RedisSession::RedisSession(const RedisUrl& url, const std::vector<std::string>& globs,
                           Listener& listener)
    : url_(url), listener_(listener), preamble_(redis_preamble(url)), awaited_(globs.size()) {
    for (const std::string& glob : globs) {
        feed_of_.emplace(glob, globs_.size());
        globs_.push_back(glob);
    }
}

std::string RedisSession::greeting() const {
    // One command for all patterns: Redis takes them at once, so that no message of one feed can
    // come before another feed is subscribed.
    std::vector<std::string_view> words{"PSUBSCRIBE"};
    words.insert(words.end(), globs_.begin(), globs_.end());
    std::string bytes = preamble_.bytes;
    append_redis_command(bytes, words);
    append_redis_command(bytes, {"SUBSCRIBE", kRevokeChannel});
    return bytes;
}

std::string RedisSession::ping() {
    std::string bytes;
    append_redis_command(bytes, {"PING"});
    return bytes;
}

std::optional<std::string> RedisSession::feed(std::string_view bytes) {
    return replies_.feed(bytes, [this](const redisReply& reply) { return take(reply); });
}

std::optional<std::string> RedisSession::take(const redisReply& reply) {
    if (reply.type == REDIS_REPLY_ERROR)
        return take_error(reply);
    if (steps_done_ < preamble_.commands.size()) {
        ++steps_done_;
        return std::nullopt;
    }

    if (reply.type != REDIS_REPLY_ARRAY || reply.elements == 0 || !is_string(*reply.element[0]))
        return std::nullopt;
    const std::string_view kind = text_of(*reply.element[0]);

    if (kind == "pmessage" && reply.elements == 4 && is_string(*reply.element[1]) &&
        is_string(*reply.element[2]) && is_string(*reply.element[3])) {
        if (text_of(*reply.element[2]) == kRevokeChannel)
            return std::nullopt;  // a glob may match more than its feed's pattern
        const auto feed = feed_of_.find(text_of(*reply.element[1]));
        if (feed != feed_of_.end())
            listener_.on_message(
                {feed->second, text_of(*reply.element[2]), text_of(*reply.element[3])});
        return std::nullopt;
    }

    if (kind == "message" && reply.elements == 3 && is_string(*reply.element[1]) &&
        is_string(*reply.element[2]) && text_of(*reply.element[1]) == kRevokeChannel)
        listener_.on_revoke(text_of(*reply.element[2]));
    else if (kind == "psubscribe" && globs_confirmed_ != awaited_)
        ++globs_confirmed_;
    else if (kind == "subscribe" && !subscribed()) {
        revoke_answered_ = true;
        listener_.on_subscribed();
    }
    return std::nullopt;
}

// Answers come in order: behind the last PSUBSCRIBE's comes that of SUBSCRIBE.
std::optional<std::string> RedisSession::take_error(const redisReply& reply) {
    if (steps_done_ < preamble_.commands.size() || globs_confirmed_ != awaited_ || revoke_answered_)
        return refused(reply);
    listener_.on_revoke_refused(redis_refusal(url_, "SUBSCRIBE", reply));
    revoke_answered_ = true;
    listener_.on_subscribed();
    return std::nullopt;
}

std::string RedisSession::refused(const redisReply& reply) const {
    const std::string_view step = steps_done_ < preamble_.commands.size()
                                      ? preamble_.commands[steps_done_]
                                  : subscribed() ? "PING"
                                                 : "PSUBSCRIBE";
    return redis_refusal(url_, step, reply);
}

}  // namespace herald::sidecar

// RESP2 replies come in order: those of AUTH and SELECT, then the confirmations, then messages and
// pongs.
#include "sidecar/redis_session.hpp"

#include "sidecar/revocation.hpp"

namespace herald::sidecar {

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
    return replies_.feed(bytes, [this](const RedisReply& reply) { return take(reply); });
}

std::optional<std::string> RedisSession::take(const RedisReply& reply) {
    if (reply.type == RedisReply::Type::Error)
        return take_error(reply);
    if (steps_done_ < preamble_.commands.size()) {
        ++steps_done_;
        return std::nullopt;
    }

    const std::span<const RedisReply> words = reply.elements;
    if (words.empty() || !words[0].is_string())
        return std::nullopt;
    const std::string_view kind = words[0].text;

    if (kind == "pmessage" && words.size() == 4 && words[1].is_string() && words[2].is_string() &&
        words[3].is_string()) {
        if (words[2].text == kRevokeChannel)
            return std::nullopt;  // a glob may match more than its feed's pattern
        const auto feed = feed_of_.find(words[1].text);
        if (feed != feed_of_.end())
            listener_.on_message({feed->second, words[2].text, words[3].text});
        return std::nullopt;
    }

    if (kind == "message" && words.size() == 3 && words[1].is_string() && words[2].is_string() &&
        words[1].text == kRevokeChannel)
        listener_.on_revoke(words[2].text);
    else if (kind == "psubscribe" && globs_confirmed_ != awaited_)
        ++globs_confirmed_;
    else if (kind == "subscribe" && !subscribed()) {
        revoke_answered_ = true;
        listener_.on_subscribed();
    }
    return std::nullopt;
}

// Answers come in order: behind the last PSUBSCRIBE's comes that of SUBSCRIBE.
std::optional<std::string> RedisSession::take_error(const RedisReply& reply) {
    if (steps_done_ < preamble_.commands.size() || globs_confirmed_ != awaited_ || revoke_answered_)
        return refused(reply);
    listener_.on_revoke_refused(redis_refusal(url_, "SUBSCRIBE", reply));
    revoke_answered_ = true;
    listener_.on_subscribed();
    return std::nullopt;
}

std::string RedisSession::refused(const RedisReply& reply) const {
    const std::string_view step = steps_done_ < preamble_.commands.size()
                                      ? preamble_.commands[steps_done_]
                                  : subscribed() ? "PING"
                                                 : "PSUBSCRIBE";
    return redis_refusal(url_, step, reply);
}

}  // namespace herald::sidecar

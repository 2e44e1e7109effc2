// Commands are written here, replies are read by hiredis, but built here: by its own means each
// message would cost ten allocations.
#include "sidecar/redis_protocol.hpp"

#include <hiredis/read.h>

#include <new>

namespace herald::sidecar {

namespace {

// After every kilobyte of replies, hiredis moves what is left in its buffer to the front. Fed in
// small bites there is little to move.
constexpr size_t kBite = 4 * 1024;
// The reader gives its buffer back when it is empty and larger than this.
constexpr size_t kIdleBuffer = 1 << 20;
// A longer reply's memory is given back with it.
constexpr size_t kKeptTexts = 64 * 1024;

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

std::string redis_refusal(const RedisUrl& url, std::string_view command, const RedisReply& error) {
    std::string said(error.text);
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

// What is returned stands for the object; nullptr would say that there is no memory. A reply's
// parts come in their order, the reply itself first.
struct RedisReplies::Building {
    static void* add(const redisReadTask* task, RedisReply::Type type,
                     std::string_view text = {}) noexcept {
        auto& self = *static_cast<RedisReplies*>(task->privdata);
        if (task->parent != nullptr && task->parent->parent != nullptr)
            return &self;  // in an array inside
        try {
            if (task->parent == nullptr)
                self.clear();
            self.texts_.append(text);
            self.ends_.push_back(self.texts_.size());
            self.parts_.push_back({.type = type});
            return &self;
        } catch (const std::bad_alloc&) {
            return nullptr;
        }
    }

    static void* add_text(const redisReadTask* task, char* text, size_t size) noexcept {
        const auto type = task->type == REDIS_REPLY_ERROR    ? RedisReply::Type::Error
                          : task->type == REDIS_REPLY_STATUS ? RedisReply::Type::Status
                                                             : RedisReply::Type::String;
        return add(task, type, {text, size});
    }

    // `Count`: int or size_t, as the version of hiredis has it.
    template <class Count>
    static void* add_array(const redisReadTask* task, Count) noexcept {
        return add(task, RedisReply::Type::Array);
    }

    static redisReplyObjectFunctions functions() {
        redisReplyObjectFunctions functions{};
        functions.createString = add_text;
        functions.createArray = add_array;
        functions.createInteger = [](const redisReadTask* task, long long) noexcept {
            return add(task, RedisReply::Type::Integer);
        };
        functions.createNil = [](const redisReadTask* task) noexcept {
            return add(task, RedisReply::Type::Nil);
        };
        functions.freeObject = [](void*) noexcept {};
        return functions;
    }
};

RedisReplies::RedisReplies() {
    static redisReplyObjectFunctions functions = Building::functions();
    reader_.reset(redisReaderCreateWithFunctions(&functions));
    if (!reader_)
        throw std::bad_alloc();
    reader_->maxbuf = kIdleBuffer;
    reader_->privdata = this;
}

void RedisReplies::clear() {
    parts_.clear();
    ends_.clear();
    texts_.clear();
    if (texts_.capacity() > kKeptTexts)
        texts_.shrink_to_fit();
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
            if (auto failure = hand_over(take))
                return failure;
        }
    }
    return std::nullopt;
}

std::optional<std::string> RedisReplies::hand_over(const Take& take) {
    const std::string_view texts = texts_;
    size_t begin = 0;
    for (size_t i = 0; i < parts_.size(); ++i) {
        parts_[i].text = texts.substr(begin, ends_[i] - begin);
        begin = ends_[i];
    }
    RedisReply& reply = parts_.front();
    reply.elements = std::span<const RedisReply>(parts_).subspan(1);
    return take(reply);
}

}  // namespace herald::sidecar

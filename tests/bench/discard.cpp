// herald_bench_discard: the least that any subscriber in C can do with hiredis. Subscribes to
// everything, reads, counts, and throws it away. What it takes is what Redis, the producer and
// hiredis can do together on these cores; the sidecar is measured against it.
//
//     herald_bench_discard REDIS_PORT COUNT_FILE
//
// Its count is in COUNT_FILE, mapped (progress.hpp). Runs until it is ended.

#include <hiredis/hiredis.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "progress.hpp"

namespace herald::bench {
namespace {

struct Disconnect {
    void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

Reply next_reply(redisContext& redis) {
    void* reply = nullptr;
    if (redisGetReply(&redis, &reply) != REDIS_OK) {
        throw std::runtime_error(redis.errstr);
    }
    return Reply(static_cast<redisReply*>(reply));
}

void discard_all(int port, const char* path) {
    SharedCount count(path, true);
    std::unique_ptr<redisContext, Disconnect> redis(redisConnect("127.0.0.1", port));
    if (!redis || redis->err != 0) {
        throw std::runtime_error(redis ? redis->errstr : "out of memory");
    }
    redisAppendCommand(redis.get(), "PSUBSCRIBE bench:*");
    next_reply(*redis);

    for (uint64_t messages = 1;; ++messages) {
        Reply reply = next_reply(*redis);
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 4) {
            throw std::runtime_error("Redis sent something that is no message");
        }
        count.set(messages);
    }
}

}  // namespace
}  // namespace herald::bench

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: herald_bench_discard REDIS_PORT COUNT_FILE\n");
        return 2;
    }
    try {
        herald::bench::discard_all(std::atoi(argv[1]), argv[2]);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "herald_bench_discard: %s\n", error.what());
        return 1;
    }
}

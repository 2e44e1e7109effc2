// Replies out of bytes: what each kind becomes, however the bytes are cut.
#include "sidecar/redis_protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string text_of(const RedisReply& reply) {
    static constexpr std::string_view kNames[] = {"nil",    "error",   "status",
                                                  "string", "integer", "array"};
    std::string text(kNames[static_cast<size_t>(reply.type)]);
    if (!reply.text.empty())
        text.append(" ").append(reply.text);
    for (const RedisReply& element : reply.elements)
        text.append(" (").append(text_of(element)).append(")");
    return text;
}

// Of bytes that come in pieces of `piece` bytes.
std::vector<std::string> replies_to(std::string_view bytes, size_t piece) {
    std::vector<std::string> heard;
    RedisReplies replies;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
        const auto failure = replies.feed(bytes.substr(0, piece), [&](const RedisReply& reply) {
            heard.push_back(text_of(reply));
            return std::nullopt;
        });
        if (failure)
            heard.push_back(*failure);
    }
    return heard;
}

TEST(RedisReplies, KnowsEveryKind) {
    constexpr std::string_view kBytes =
        "+OK\r\n-ERR no\r\n:42\r\n$5\r\na\r\nbc\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n"
        "*4\r\n$1\r\nx\r\n:1\r\n$-1\r\n+y\r\n+again\r\n";
    for (size_t piece : {size_t{1}, size_t{2}, size_t{7}, kBytes.size()})
        EXPECT_THAT(replies_to(kBytes, piece),
                    ElementsAre("status OK", "error ERR no", "integer", "string a\r\nbc", "string",
                                "nil", "nil", "array",
                                "array (string x) (integer) (nil) (status y)", "status again"));
}

TEST(RedisReplies, LeavesOutWhatIsInArraysInside) {
    EXPECT_THAT(replies_to("*3\r\n$1\r\na\r\n*2\r\n$1\r\nb\r\n*1\r\n:1\r\n$1\r\nc\r\n", 1000),
                ElementsAre("array (string a) (array) (string c)"));
}

TEST(RedisReplies, StopsWhereItIsTold) {
    RedisReplies replies;
    int heard = 0;
    const auto failure = replies.feed("+a\r\n+b\r\n", [&](const RedisReply&) {
        ++heard;
        return std::optional<std::string>("enough");
    });
    EXPECT_EQ(failure, "enough");
    EXPECT_EQ(heard, 1);
}

TEST(RedisReplies, SaysThatItIsNotRedis) {
    EXPECT_THAT(replies_to("HTTP/1.1 400\r\n", 1000),
                ElementsAre(HasSubstr("not the Redis protocol")));
}

}  // namespace
}  // namespace herald::sidecar

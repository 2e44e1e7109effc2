// A view's question and answer as bytes: what comes out is what went in, and nothing else decodes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "ring/view_question.hpp"

namespace herald::ring::questions {
namespace {

ViewQuestion example() {
    ViewQuestion question;
    question.tags = {0x0123456789abcdef, 2};
    question.name = "runs";
    question.item = "run-7";
    question.query = "limit=5";
    return question;
}

// Decodes what is behind the kind.
bool decode_view(std::string_view bytes, ViewQuestion& question) {
    Kind kind{};
    return take_kind(bytes, kind) && kind == Kind::View && decode(bytes, question);
}

TEST(ViewQuestion, ComesOutAsItWentIn) {
    ViewQuestion question;
    ASSERT_TRUE(decode_view(encode(example()), question));
    EXPECT_FALSE(question.flush);
    EXPECT_THAT(question.tags, testing::ElementsAre(0x0123456789abcdef, 2));
    EXPECT_EQ(question.name, "runs");
    EXPECT_EQ(question.item, "run-7");
    EXPECT_EQ(question.query, "limit=5");

    ViewQuestion flush;
    flush.flush = true;
    flush.name = "render";
    ASSERT_TRUE(decode_view(encode(flush), question));
    EXPECT_TRUE(question.flush);
    EXPECT_TRUE(question.tags.empty());
    EXPECT_EQ(question.name, "render");
    EXPECT_EQ(question.item, "");
    EXPECT_EQ(question.query, "");
}

TEST(ViewQuestion, HasTheBytesOfTheFormat) {
    EXPECT_EQ(encode(example()).substr(0, 36),
              std::string("\x03\0\0\0"                        // kind
                          "\0\0\0\0\x02\0\0\0"                // flush, tag_count
                          "\x04\0\x05\0\x07\0\0\0"            // lengths, reserved
                          "\xef\xcd\xab\x89\x67\x45\x23\x01"  // tags
                          "\x02\0\0\0\0\0\0\0",
                          36));
}

TEST(ViewQuestion, DoesNotDecodeWhenItIsCutOrHasMore) {
    const std::string whole = encode(example());
    ViewQuestion question;
    for (size_t length = 0; length < whole.size(); ++length)
        EXPECT_FALSE(decode_view(std::string_view(whole).substr(0, length), question)) << length;
    EXPECT_FALSE(decode_view(whole + "x", question));
}

TEST(ViewQuestion, KeepsToItsBounds) {
    const auto decodes = [](const ViewQuestion& asked) {
        ViewQuestion question;
        return decode_view(encode(asked), question);
    };
    ViewQuestion largest = example();
    largest.tags.assign(kMaxViewTags, 7);
    largest.name.assign(kMaxViewName, 'n');
    largest.item.assign(kMaxViewItem, 'i');
    largest.query.assign(kMaxViewQuery, 'q');
    EXPECT_TRUE(decodes(largest));

    ViewQuestion question = largest;
    question.tags.push_back(7);
    EXPECT_FALSE(decodes(question));
    question = largest;
    question.name += 'n';
    EXPECT_FALSE(decodes(question));
    question = largest;
    question.item += 'i';
    EXPECT_FALSE(decodes(question));
    question = largest;
    question.query += 'q';
    EXPECT_FALSE(decodes(question));
}

TEST(ViewQuestion, HasAFitNameAndItem) {
    ViewQuestion question;
    for (const char* name : {"", "a/b", "a\n", "\xff"}) {
        ViewQuestion asked = example();
        asked.name = name;
        EXPECT_FALSE(decode_view(encode(asked), question)) << name;
    }
    for (const char* item : {"a\n", "\x7f", "\xc3"}) {
        ViewQuestion asked = example();
        asked.item = item;
        EXPECT_FALSE(decode_view(encode(asked), question)) << item;
    }
    ViewQuestion asked = example();
    asked.item = "a/b c\xc3\xa9";
    EXPECT_TRUE(decode_view(encode(asked), question));
}

std::string answer(ViewStatus status, uint32_t http_status, std::string_view body) {
    std::string bytes;
    append_bytes(bytes, ViewAnswer{status, http_status, 7});
    return bytes.append(body);
}

bool decodes(const std::string& bytes) {
    std::string_view rest = bytes;
    ViewAnswer head;
    return take_view_answer(rest, head);
}

TEST(ViewAnswer, GivesItsBody) {
    const std::string bytes = answer(ViewStatus::Answered, 200, "{}");
    std::string_view rest = bytes;
    ViewAnswer head;
    ASSERT_TRUE(take_view_answer(rest, head));
    EXPECT_EQ(head.http_status, 200u);
    EXPECT_EQ(head.tag, 7u);
    EXPECT_EQ(rest, "{}");
}

TEST(ViewAnswer, KeepsToItsBounds) {
    EXPECT_TRUE(decodes(answer(ViewStatus::Answered, 404, "{}")));
    EXPECT_TRUE(decodes(answer(ViewStatus::Answered, 599, "")));
    EXPECT_TRUE(decodes(answer(ViewStatus::NotModified, 0, "")));
    EXPECT_TRUE(decodes(answer(ViewStatus::Malformed, 0, "")));
    EXPECT_TRUE(decodes(answer(ViewStatus::Answered, 200, std::string(kMaxViewBody, 'x'))));

    EXPECT_FALSE(decodes(answer(ViewStatus::Answered, 200, std::string(kMaxViewBody + 1, 'x'))));
    EXPECT_FALSE(decodes(answer(ViewStatus::NotModified, 0, "{}")));
    EXPECT_FALSE(decodes(answer(ViewStatus::Malformed, 0, "{}")));
    EXPECT_FALSE(decodes(answer(static_cast<ViewStatus>(0), 200, "")));
    EXPECT_FALSE(decodes(answer(static_cast<ViewStatus>(9), 200, "")));
    for (const uint32_t status : {0u, 100u, 204u, 304u, 600u})
        EXPECT_FALSE(decodes(answer(ViewStatus::Answered, status, "{}"))) << status;
    EXPECT_FALSE(decodes(answer(ViewStatus::Answered, 200, "").substr(1)));
}

}  // namespace
}  // namespace herald::ring::questions

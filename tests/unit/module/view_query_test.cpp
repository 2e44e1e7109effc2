// What a request for a view says: its path, and its tags.
#include "view_query.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace herald {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ViewPath, IsANameAlone) {
    EXPECT_EQ(split_view("render").name, "render");
    EXPECT_EQ(split_view("render").item, "");
}

TEST(ViewPath, HasItsItemBehindTheFirstSlash) {
    const ViewPath path = split_view("runs/run-7/a/b");
    EXPECT_EQ(path.name, "runs");
    EXPECT_EQ(path.item, "run-7/a/b");
    EXPECT_EQ(split_view("/x").name, "");
    EXPECT_EQ(split_view("runs/").item, "");
}

TEST(ViewTag, IsSixteenDigitsInQuotes) {
    EXPECT_EQ(make_view_tag(0x0123456789abcdef), "\"0123456789abcdef\"");
    EXPECT_EQ(make_view_tag(1), "\"0000000000000001\"");
    EXPECT_EQ(make_view_tag(UINT64_MAX), "\"ffffffffffffffff\"");
}

TEST(ViewTag, IsFoundAgain) {
    EXPECT_THAT(parse_view_tags(make_view_tag(42)), ElementsAre(42u));
}

TEST(ViewTag, IsFoundInListsAndWhereItIsWeak) {
    EXPECT_THAT(parse_view_tags("\"000000000000000a\", W/\"000000000000000b\",\"x\" ,"
                                "W/\"000000000000000c\""),
                ElementsAre(10u, 11u, 12u));
}

TEST(ViewTag, IsNothingElse) {
    for (const char* text : {"", "*", "\"", "\"\"", "0000000000000001", "\"000000000000001\"",
                             "\"00000000000000001\"", "\"000000000000000g\"", "\"-00000000000001\"",
                             "\"7f3a2c01-42-17\"", "\"0000000000000001"})
        EXPECT_THAT(parse_view_tags(text), IsEmpty()) << text;
}

TEST(ViewTag, IsOneOfTheFirstFew) {
    std::string list;
    for (uint64_t i = 1; i <= 20; ++i)
        list.append(make_view_tag(i)).append(", ");
    EXPECT_THAT(parse_view_tags(list), ElementsAre(1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u));
}

}  // namespace
}  // namespace herald

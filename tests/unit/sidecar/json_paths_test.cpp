#include "sidecar/json_paths.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace herald::sidecar {
namespace {

using testing::ElementsAre;

using Path = std::vector<std::string>;

std::vector<std::string> find(const std::vector<Path>& paths, std::string_view json) {
    JsonPaths finder;
    for (const Path& path : paths)
        finder.add(path);
    const auto values = finder.find(json);
    return {values.begin(), values.end()};
}

TEST(JsonPaths, FindsMembersAsTheyAreWritten) {
    EXPECT_THAT(find({{"s"}, {"n"}, {"o"}, {"a"}, {"t"}},
                     R"({"s":"a\"}b","n":-1.50e3,"x":1,"o":{"k": [1]},"a":["}",{}],"t":true})"),
                ElementsAre(R"("a\"}b")", "-1.50e3", R"({"k": [1]})", R"(["}",{}])", "true"));
}

TEST(JsonPaths, FollowsPathsIntoObjects) {
    EXPECT_THAT(find({{"state", "status"}, {"state"}, {"state", "deep", "er"}, {"status"}},
                     R"({"state":{"x":{"status":0},"status":"ok","deep":{"er":null}},"status":2})"),
                ElementsAre("\"ok\"", R"({"x":{"status":0},"status":"ok","deep":{"er":null}})",
                            "null", "2"));
}

TEST(JsonPaths, LeavesEmptyWhatIsNotThere) {
    EXPECT_THAT(find({{"a"}, {"b", "c"}}, R"({"b":[{"c":1}],"x":{"a":1}})"), ElementsAre("", ""));
    for (const char* json : {"{}", "[1,{\"a\":1}]", "\"a\"", "7", "null", " {\"b\":{}} "})
        EXPECT_THAT(find({{"a"}, {"b", "c"}}, json), ElementsAre("", "")) << json;
}

TEST(JsonPaths, TakesTheLastOfSeveralMembersOfOneName) {
    EXPECT_THAT(find({{"a"}, {"b", "c"}}, R"({"a":1,"b":{"c":1},"a":2,"b":{"d":1}})"),
                ElementsAre("2", ""));
}

TEST(JsonPaths, KnowsNamesThatAreWrittenWithEscapes) {
    EXPECT_THAT(find({{"aé"}, {"q\""}}, R"({"\u0061\u00e9":1,"q\"":2,"\ud800":3})"),
                ElementsAre("1", "2"));
}

TEST(JsonPaths, StepsOverSpaceAndWhateverDepth) {
    std::string json = " { \"deep\" : " + std::string(100'000, '[') + std::string(100'000, ']');
    json += " , \"a\" : 1 ,\"b\":{ } }";
    EXPECT_THAT(find({{"a"}, {"b"}}, json), ElementsAre("1", "{ }"));
}

TEST(JsonPaths, GivesOnePathToAsManyAsWantIt) {
    EXPECT_THAT(find({{"a"}, {"a"}}, R"({"a":[ ]})"), ElementsAre("[ ]", "[ ]"));
}

}  // namespace
}  // namespace herald::sidecar

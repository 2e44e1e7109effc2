// Paths of per-channel files: templates that are refused and why, and names from strangers.
#include "sidecar/path_template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace herald::sidecar {
namespace {

using testing::HasSubstr;

const std::vector<std::string> kId = {"id"};
const std::vector<std::string> kTwo = {"a", "b"};

std::string error_of(std::string_view text, const std::vector<std::string>& names) {
    try {
        PathTemplate(text, names);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "none";
}

std::string expand(std::string_view text, std::string_view value) {
    return PathTemplate(text, kId).expand(std::vector<std::string_view>{value});
}

TEST(PathTemplate, PutsThePartsOfAChannelIntoThePath) {
    EXPECT_EQ(expand("runs/{id}/events.jsonl", "b1"), "runs/b1/events.jsonl");
    EXPECT_EQ(expand("/srv/runs/run-{id}.jsonl", "b1"), "/srv/runs/run-b1.jsonl");
    EXPECT_EQ(PathTemplate("x/{b}/{a}", kTwo).expand(std::vector<std::string_view>{"1", "2"}),
              "x/2/1");
    EXPECT_EQ(PathTemplate("all/events.jsonl", {}).expand({}), "all/events.jsonl");
}

TEST(PathTemplate, KeepsHarmlessSignsAsTheyAre) {
    EXPECT_EQ(expand("runs/{id}", "Az09._@+=,:-"), "runs/Az09._@+=,:-");
}

TEST(PathTemplate, NamesAPartThatTheChannelsDoNotHave) {
    EXPECT_EQ(error_of("runs/{x}", {"bom_id"}),
              "names {x}, which the channels do not have; they have {bom_id}");
    EXPECT_EQ(error_of("runs/{x}", kTwo),
              "names {x}, which the channels do not have; they have {a}, {b}");
    EXPECT_EQ(error_of("runs/{x}", {}),
              "names {x}, which the channels do not have; they have no parts");
    EXPECT_THAT(error_of("runs/{}", kId), HasSubstr("names {}"));
}

TEST(PathTemplate, NamesThePartsThatAreLeftOut) {
    EXPECT_EQ(error_of("runs/{a}.jsonl", kTwo),
              "leaves out {b}, so that channels would share a file; put it into the path, as in "
              "\"runs/{b}.jsonl\"");
    EXPECT_THAT(error_of("runs/events.jsonl", kTwo), HasSubstr("leaves out {a}, {b}"));
}

TEST(PathTemplate, RefusesWhatIsNoPathOfAFile) {
    EXPECT_THAT(error_of("", kId), HasSubstr("is empty"));
    EXPECT_THAT(error_of("runs/{id}/", kId), HasSubstr("as in \"runs/{id}/events.jsonl\""));
    EXPECT_THAT(error_of("/", {}), HasSubstr("ends in `/`"));
    EXPECT_THAT(error_of("runs//{id}", kId), HasSubstr("has `//`"));
    EXPECT_THAT(error_of("//runs/{id}", kId), HasSubstr("has `//`"));
    EXPECT_THAT(error_of("../{id}", kId), HasSubstr("the component `..`"));
    EXPECT_THAT(error_of("runs/./{id}", kId), HasSubstr("the component `.`"));
    EXPECT_THAT(error_of("runs/{id}/..", kId), HasSubstr("the component `..`"));
    EXPECT_THAT(error_of("runs\n/{id}", kId), HasSubstr("control character"));
    EXPECT_THAT(error_of("runs\xff/{id}", kId), HasSubstr("UTF-8"));
    EXPECT_THAT(error_of(std::string(256, 'x'), {}), HasSubstr("more than 255 bytes"));
    EXPECT_THAT(error_of("runs/{id}" + std::string(101, 'x'), kId), HasSubstr("more than 100"));
}

TEST(PathTemplate, RefusesBracesThatAreNoPart) {
    EXPECT_THAT(error_of("runs/id}", kId), HasSubstr("`}` without a `{`"));
    EXPECT_THAT(error_of("runs/{id}}", kId), HasSubstr("`}` without a `{`"));
    EXPECT_THAT(error_of("runs/{id", kId), HasSubstr("`{` without its `}`"));
    EXPECT_THAT(error_of("runs/{i{d}", kId), HasSubstr("`{` without its `}`"));
}

TEST(PathTemplate, RefusesTemplatesByWhichChannelsCouldShareAFile) {
    EXPECT_THAT(error_of("runs/{a}-{b}", kTwo), HasSubstr("as in {a}/{b}"));
    EXPECT_THAT(error_of("runs/{id}~", kId), HasSubstr("`~` at the end"));
}

TEST(PathTemplate, KeepsOffTheSidecarsOwnFiles) {
    EXPECT_THAT(error_of("journal/{id}", kId), HasSubstr("could be `journal`"));
    EXPECT_THAT(error_of("jsonl/{id}", kId), HasSubstr("could be `jsonl`"));
    EXPECT_THAT(error_of("{id}", kId), HasSubstr("could be `lock`"));
    EXPECT_THAT(error_of("{id}/events.jsonl", kId), HasSubstr("could be `lock`"));
    EXPECT_THAT(error_of("{id}.db", kId), HasSubstr("could be `index.db`"));
    EXPECT_EQ(error_of("{id}.jsonl", kId), "none");
    EXPECT_EQ(error_of("/{id}", kId), "none");
}

TEST(PathTemplate, MakesDangerousNamesHarmless) {
    EXPECT_EQ(expand("runs/{id}", "."), "runs/%2E");
    EXPECT_EQ(expand("runs/{id}", ".."), "runs/%2E.");
    EXPECT_EQ(expand(".{id}", "."), ".%2E");
    EXPECT_EQ(expand("runs/{id}", ".ssh"), "runs/%2Essh");
    EXPECT_EQ(expand("runs/{id}", "../../etc/passwd"), "runs/%2E.%2F..%2Fetc%2Fpasswd");
    EXPECT_EQ(expand("runs/{id}", "a\nb\x01\x7f"), "runs/a%0Ab%01%7F");
    EXPECT_EQ(expand("runs/{id}", "%2F ~\\*"), "runs/%252F%20%7E%5C%2A");
    EXPECT_EQ(expand("runs/{id}", "\xc3\xa9"), "runs/%C3%A9");
    EXPECT_EQ(expand("runs/{id}", std::string_view("\0", 1)), "runs/%00");
}

TEST(PathTemplate, ContinuesALongNameInTheNextDirectory) {
    const std::string path = expand("runs/{id}.jsonl", std::string(300, 'x'));
    EXPECT_EQ(path, "runs/" + std::string(152, 'x') + "~/" + std::string(148, 'x') + ".jsonl");
    // No piece may become `..` either.
    EXPECT_THAT(expand("runs/{id}", std::string(152, 'x') + ".."), HasSubstr("x~/%2E."));
}

std::vector<std::string> nasty_names() {
    std::vector<std::string> names = {
        ".",   "..",   "...",  "%2E", "%2E.",     "%2E%2E", "a/b", "a%2Fb", "a//b", "a/",    "/a",
        "a",   "A",    "%",    "%%",  "%25",      "~",      "%7E", "a~",    "a~/b", "~/",    "\n",
        "\\n", "\x7f", "\x01", "%01", "\xc3\xa9", "\xff",   "e",   "a b",   "a+b",  "a%20b", " "};
    for (size_t length : {151, 152, 153, 154, 155, 303, 304, 305, 1000}) {
        for (const char* end : {"", "x", ".", "..", "/", "%", "~", "\xc3\xa9"})
            names.push_back(std::string(length, 'x') + end);
    }
    names.push_back(std::string(400, '/'));
    names.push_back(std::string(300, 'x') + "1" + std::string(100, 'x'));
    names.push_back(std::string(300, 'x') + "2" + std::string(100, 'x'));
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

TEST(PathTemplate, GivesDifferentNamesDifferentPaths) {
    const std::vector<std::string> names = nasty_names();
    std::set<std::string> paths;
    for (const std::string& name : names)
        paths.insert(expand("runs/{id}.jsonl", name));
    EXPECT_EQ(paths.size(), names.size());
}

TEST(PathTemplate, GivesDifferentPairsOfNamesDifferentPaths) {
    const std::vector<std::string> names = nasty_names();
    const PathTemplate both("runs/{a}/{b}", kTwo);
    std::set<std::string> paths;
    for (const std::string& a : names) {
        for (const std::string& b : names)
            paths.insert(both.expand(std::vector<std::string_view>{a, b}));
    }
    EXPECT_EQ(paths.size(), names.size() * names.size());
}

TEST(PathTemplate, MakesComponentsThatEveryFileSystemTakes) {
    const std::string around(50, 'p');
    for (const std::string& name : nasty_names()) {
        std::string path = expand("r/" + around + "{id}" + around, name) + "/";
        for (size_t end; (end = path.find('/')) != path.npos; path.erase(0, end + 1)) {
            const std::string component = path.substr(0, end);
            EXPECT_LE(component.size(), 255u);
            EXPECT_FALSE(component.empty() || component.front() == '.') << component;
            EXPECT_TRUE(std::all_of(component.begin(), component.end(),
                                    [](char c) { return c > 0x20 && c < 0x7f; }));
        }
    }
}

}  // namespace
}  // namespace herald::sidecar

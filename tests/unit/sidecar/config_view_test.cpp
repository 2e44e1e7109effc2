// The [[view]] tables' rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sidecar/check.hpp"
#include "sidecar/config.hpp"

namespace herald::sidecar {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// Lines 1 to 3; what is tested begins in line 4.
constexpr const char* kFeed = "[[feed]]\nname = \"render\"\nchannels = \"trafalgar:{what}\"\n";
constexpr const char* kView =
    "[[view]]\nname = \"render\"\nkind = \"jobs\"\nchannels = \"trafalgar:render\"\n";

std::vector<std::string> errors(const std::string& views) {
    try {
        parse_config(kFeed + views, "h.toml", "");
    } catch (const ConfigError& error) {
        return error.messages();
    }
    return {};
}

std::vector<ViewConfig> views(const std::string& text) {
    return parse_config(kFeed + text, "h.toml", "").views;
}

TEST(ViewConfig, NeedsNotBe) {
    EXPECT_THAT(views(""), IsEmpty());
}

TEST(ViewConfig, HasDefaults) {
    const auto found = views(kView);
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].name, "render");
    EXPECT_EQ(found[0].kind, ViewKind::Jobs);
    EXPECT_EQ(found[0].channels.text(), "trafalgar:render");
    EXPECT_EQ(found[0].max_records, 1'000'000u);
    EXPECT_EQ(found[0].recent, 10u);
}

TEST(ViewConfig, TakesEveryKey) {
    const auto found = views(
        "[[view]]\nname = \"ingest\"\nkind = \"runs\"\nchannels = \"trafalgar:{any}\"\n"
        "max_records = 5\nrecent = 20\n");
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].kind, ViewKind::Runs);
    EXPECT_EQ(found[0].max_records, 5u);
    EXPECT_EQ(found[0].recent, 20u);
}

TEST(ViewConfig, SaysWhatIsMissing) {
    EXPECT_THAT(errors("[[view]]\n"),
                UnorderedElementsAre(HasSubstr("h.toml:4: [[view]] has no name; give it one"),
                                     HasSubstr("h.toml:4: [[view]] has no kind; expected \"jobs\""),
                                     HasSubstr("h.toml:4: [[view]] has no channels; say")));
}

TEST(ViewConfig, SaysWhatIsWrong) {
    const auto with = [](const std::string& key, const std::string& line) {
        std::string text = kView;
        const size_t at = text.find(key + " = ");
        if (at == text.npos)
            return text + line + "\n";
        return text.replace(at, text.find('\n', at) - at, line);
    };
    EXPECT_THAT(errors(with("name", "name = \"a/b\"")),
                ElementsAre(HasSubstr("h.toml:5: [[view]] name is unfit; expected 1 to 64 bytes")));
    EXPECT_THAT(errors(with("name", "name = \"metrics\"")),
                ElementsAre(HasSubstr("a view that another table makes; choose another")));
    EXPECT_THAT(errors(with("kind", "kind = \"things\"")),
                ElementsAre(HasSubstr("h.toml:6: [[view]] kind is \"things\"; expected \"jobs\" or "
                                      "\"runs\"")));
    EXPECT_THAT(errors(with("channels", "channels = \"orders:{id}\"")),
                ElementsAre(HasSubstr("h.toml:7: [[view]] channels \"orders:{id}\" are of no feed, "
                                      "so that no event would come; name channels that a [[feed]] "
                                      "claims, such as \"trafalgar:{what}\"")));
    EXPECT_THAT(errors(with("channels", "channels = \"\"")), SizeIs(1));
    EXPECT_THAT(errors(with("max_records", "max_records = 0")),
                ElementsAre(HasSubstr("max_records is 0; expected 1 to 10000000")));
    EXPECT_THAT(errors(with("recent", "recent = 10")),
                ElementsAre(HasSubstr("recent has no effect on kind \"jobs\"")));
    EXPECT_THAT(errors(with("colour", "colour = \"red\"")), ElementsAre(HasSubstr("colour")));
}

TEST(ViewConfig, BoundsTheRuns) {
    const std::string runs =
        "[[view]]\nname = \"i\"\nkind = \"runs\"\nchannels = \"trafalgar:i\"\n";
    EXPECT_THAT(errors(runs + "recent = 1000\n"), IsEmpty());
    EXPECT_THAT(errors(runs + "recent = 1001\n"),
                ElementsAre(HasSubstr("recent is 1001; expected 1 to 1000")));
    EXPECT_THAT(errors(runs + "recent = 0\n"), SizeIs(1));
}

TEST(ViewConfig, GivesEachViewItsOwnName) {
    EXPECT_THAT(
        errors(std::string(kView) + kView),
        ElementsAre(HasSubstr("h.toml:9: [[view]] name \"render\" is that of another view")));
}

TEST(ViewConfig, IsAListOfTables) {
    EXPECT_THAT(errors("[view]\nname = \"render\"\n"),
                ElementsAre(HasSubstr("views are written [[view]], in double brackets")));
    EXPECT_THAT(errors("view = 7\n"), SizeIs(1));
}

TEST(ViewConfig, IsToldByCheck) {
    const auto found =
        views(std::string(kView) +
              "[[view]]\nname = \"ingest\"\nkind = \"runs\"\nchannels = \"trafalgar:ingest\"\n");
    EXPECT_EQ(summary_of(found[0]), "view render: jobs of trafalgar:render, at most 1000000 kept");
    EXPECT_EQ(summary_of(found[1]),
              "view ingest: the newest 10 runs of trafalgar:ingest, at most 1000000 kept");
}

}  // namespace
}  // namespace herald::sidecar

// Lines of every length and ending.
#include "sidecar/cli/line_reader.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "../temporary_directory.hpp"

namespace herald::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Lines : public testing::Test {
  protected:
    std::string write(const std::string& text) {
        std::ofstream(path_, std::ios::binary) << text;
        return path_;
    }

    std::vector<std::string> lines_of(const std::string& text) {
        LineReader reader(write(text));
        return rest_of(reader);
    }

    static std::vector<std::string> rest_of(LineReader& reader) {
        std::vector<std::string> lines;
        for (std::string_view line;;) {
            const LineReader::Read read = reader.next(line);
            if (read == LineReader::Read::End)
                return lines;
            lines.emplace_back(read == LineReader::Read::Line ? line : "(too long)");
        }
    }

    sidecar::TemporaryDirectory directory_{};
    std::string path_ = directory_ / "lines";
};

TEST_F(Lines, EndWithOrWithoutTheirLast) {
    EXPECT_THAT(lines_of(""), IsEmpty());
    EXPECT_THAT(lines_of("a\nb\n"), ElementsAre("a", "b"));
    EXPECT_THAT(lines_of("a\nb"), ElementsAre("a", "b"));
    EXPECT_THAT(lines_of("\n\na"), ElementsAre("", "", "a"));
}

TEST_F(Lines, LoseACarriageReturnAndAByteOrderMark) {
    EXPECT_THAT(lines_of("\xef\xbb\xbf{}\r\n{\r}\r\n\xef\xbb\xbf\r"),
                ElementsAre("{}", "{\r}", "\xef\xbb\xbf"));
}

TEST_F(Lines, HaveEveryLengthAroundTheBuffers) {
    std::string text;
    std::vector<std::string> expected;
    for (size_t length : {1u, 262143u, 262144u, 262145u, 3u, 5000000u, 0u, 524288u}) {
        expected.emplace_back(length, static_cast<char>('a' + expected.size()));
        text += expected.back() + "\n";
    }
    EXPECT_TRUE(lines_of(text) == expected);
}

TEST_F(Lines, AreSteppedOverWhereTheyAreTooLong) {
    const std::string most(LineReader::kMaxLine, 'x');
    const auto lines = lines_of("a\n" + most + "\n" + most + "x\nb\n" + most + most + most);
    ASSERT_EQ(lines.size(), 5u);
    EXPECT_TRUE(lines[1] == most);
    EXPECT_EQ(lines[2], "(too long)");
    EXPECT_EQ(lines[3], "b");
    EXPECT_EQ(lines[4], "(too long)");
}

TEST_F(Lines, KnowTheirNumberAndTheirEnd) {
    LineReader reader(write("a\r\nbc\nd"));
    EXPECT_EQ(reader.size(), 7u);
    std::string_view line;
    ASSERT_EQ(reader.next(line), LineReader::Read::Line);
    EXPECT_EQ(reader.line_number(), 1u);
    EXPECT_EQ(reader.offset(), 3u);
    rest_of(reader);
    EXPECT_EQ(reader.line_number(), 3u);
    EXPECT_EQ(reader.offset(), 7u);
}

TEST_F(Lines, AreReadOnlyAsOftenAsAllowed) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const sidecar::Fd writer(ends[1]);
    ASSERT_EQ(::write(ends[1], "a\nb\nc", 5), 5);
    int reads = 0;
    LineReader reader(sidecar::Fd(ends[0]), "pipe", [&reads] { return ++reads == 1; });
    EXPECT_THAT(rest_of(reader), ElementsAre("a", "b", "c"));
    EXPECT_EQ(reads, 3) << "once for the lines, once for the rest of c, once behind it";
}

TEST_F(Lines, ComeFromFilesAlone) {
    auto refusal = [](const std::string& path) {
        try {
            LineReader reader(path);
        } catch (const std::exception& error) {
            return std::string(error.what());
        }
        return std::string("accepted");
    };
    EXPECT_EQ(refusal(path_), path_ + ": No such file or directory");
    ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
    EXPECT_THAT(refusal(path_), HasSubstr(path_ + ": is no regular file"));
}

}  // namespace
}  // namespace herald::cli

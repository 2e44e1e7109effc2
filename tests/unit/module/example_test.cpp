// The worked examples of docs/formats.md are what the code writes, byte by byte.
#include <cstdio>
#include <fstream>
#include <string>

#include "ring/control.hpp"
#include "ring/questions.hpp"
#include "ring/trust.hpp"
#include "ring_fixture.hpp"

namespace herald::ring {
namespace {

// Lines as `hexdump -C` writes them, counted from `at`.
std::string hexdump(const void* bytes, size_t size, size_t at = 0) {
    const auto* data = static_cast<const unsigned char*>(bytes);
    std::string lines;
    for (size_t start = 0; start < size; start += 16) {
        char text[16];
        std::snprintf(text, sizeof text, "%08zx ", at + start);
        std::string line = text, letters;
        for (size_t i = start; i < start + 16; ++i) {
            line += i % 16 == 8 ? "  " : " ";
            if (i >= size) {
                line += "  ";
                continue;
            }
            std::snprintf(text, sizeof text, "%02x", data[i]);
            line += text;
            letters += data[i] >= 0x20 && data[i] < 0x7f ? static_cast<char>(data[i]) : '.';
        }
        lines += line + "  |" + letters + "|\n";
    }
    return lines;
}

class FormatsExample : public RingTest {
  protected:
    void SetUp() override {
        WriterOptions options;
        options.log = 0x7f3a2c01;
        options.base_seq = 41;
        options.hash_seed = 0x0123456789abcdef;
        options.incarnation = 0x1122334455667788;
        options.created_ms = 1700000000000;
        options.past_logs = {0x0a0b0c0d};
        open(options);
        writer->append(
            {Kind::Event, kEndsStream, 42, 1700000000123, "jobs:1", "done", R"({"ok":true})"});

        std::ifstream file(HERALD_FORMATS_MD);
        for (std::string line; std::getline(file, line);)
            formats += (line.starts_with("    ") ? line.substr(4) : line) + "\n";
        ASSERT_FALSE(formats.empty()) << HERALD_FORMATS_MD;
    }

    void expect_in_formats(const std::string& lines) {
        EXPECT_NE(formats.find(lines), std::string::npos) << "docs/formats.md does not have\n"
                                                          << lines;
    }

    std::string formats;
};

TEST_F(FormatsExample, ShowsTheRingsHeader) {
    const auto* header = reinterpret_cast<const char*>(&mapping->header());
    expect_in_formats(hexdump(header, 80));
    expect_in_formats(hexdump(header + 128, 16, 128));
    expect_in_formats(hexdump(header + 192, 16, 192));
    expect_in_formats(hexdump(header + 256, 16, 256));
}

TEST_F(FormatsExample, ShowsARecord) {
    expect_in_formats(hexdump(mapping->records(), raw_header(0).length));
}

TEST_F(FormatsExample, ShowsPadding) {
    append_sized(2048 - 128);
    append_sized(1984);
    append_sized(128);
    expect_in_formats(hexdump(mapping->records() + 4032, 64, 4032));
}

TEST_F(FormatsExample, ShowsTheControlFrames) {
    const std::string hello = control::frame(control::Type::Hello, control::Hello{4711, 0});
    const std::string attach =
        control::frame(control::Type::Attach, control::Attach{kHeaderSize + (64 << 20)});
    const std::string refused = control::refusal("no Hello within 5 s");
    for (const std::string& frame : {hello, attach, refused})
        expect_in_formats(hexdump(frame.data(), frame.size()));
}

TEST_F(FormatsExample, ShowsAQuestion) {
    questions::HistoryQuestion question;
    question.range.limit = 100;
    question.range.max_bytes = 4 << 20;
    question.range.after_seq = 41;
    question.range.up_to_seq = 57;
    question.channels = {"jobs:1"};
    std::string frame;
    control::append_message(frame, control::Type::Ask, 7, questions::encode(question));
    expect_in_formats(hexdump(frame.data(), frame.size()));
}

TEST_F(FormatsExample, ShowsAnAnswer) {
    questions::HistoryAnswer header;
    header.status = questions::HistoryStatus::Found;
    header.count = header.known = header.ended = 1;
    header.newest_seq = 42;
    header.seen_seq = 57;
    questions::HistoryItem item;
    item.seq = 42;
    item.at_ms = 1700000000123;
    item.flags = kEndsStream;
    std::string answer, frame;
    questions::append_bytes(answer, header);
    questions::append_item(answer, item, "jobs:1", "done", R"({"ok":true})");
    control::append_message(frame, control::Type::Answer, 7, answer);
    expect_in_formats(hexdump(frame.data(), frame.size()));
}

TEST_F(FormatsExample, ShowsNews) {
    std::string item, frame;
    trust::append_revocation(item, {trust::Revocation::Kind::Sub, "u1", "", 1763719200});
    control::append_message(frame, control::Type::News, 1,
                            trust::encode_revocations({1, 1, 1, 0}, item));
    expect_in_formats(hexdump(frame.data(), frame.size()));
}

}  // namespace
}  // namespace herald::ring

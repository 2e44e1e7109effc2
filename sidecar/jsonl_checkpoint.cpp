// Lines of numbers and a path. A line that is not whole was never acted upon: intents are written,
// and synced where that was asked for, before what they announce.
#include "sidecar/jsonl_checkpoint.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include "sidecar/files.hpp"
#include "sidecar/log.hpp"

namespace herald::sidecar {

namespace {

constexpr std::string_view kHead = "jsonl 1 ";

[[noreturn]] void fail(const std::string& what, const std::string& path) {
    throw std::system_error(errno, std::generic_category(), what + " " + path);
}

// Takes a number and the one byte behind it.
template <typename Number>
bool take(std::string_view& text, Number& number, char end) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto length = static_cast<size_t>(parsed.ptr - text.data());
    if (parsed.ec != std::errc{} || length == text.size() || text[length] != end)
        return false;
    text.remove_prefix(length + 1);
    return true;
}

bool take_head(std::string_view& text, JsonlCheckpoint::Content& content) {
    if (!text.starts_with(kHead))
        return false;
    text.remove_prefix(kHead.size());
    return take(text, content.seq, ' ') && take(text, content.until, ' ') &&
           take(text, content.since_ns, '\n');
}

bool take_intent(std::string_view& text, JsonlIntent& intent) {
    std::string_view rest = text;
    if (!take(rest, intent.seq, ' ') || !take(rest, intent.size, ' '))
        return false;
    const size_t end = rest.find('\n');
    if (end == 0 || end == rest.npos)
        return false;
    intent.path = rest.substr(0, end);
    text = rest.substr(end + 1);
    return true;
}

std::string lines(std::span<const JsonlIntent> intents) {
    std::string text;
    for (const JsonlIntent& intent : intents) {
        text += std::to_string(intent.seq) + " " + std::to_string(intent.size) + " ";
        text += intent.path;
        text += '\n';
    }
    return text;
}

}  // namespace

std::optional<JsonlCheckpoint::Content> JsonlCheckpoint::load() {
    fd_.reset();
    make_directories(directory_, 0750);
    std::string text;
    try {
        text = read_file(path());
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::no_such_file_or_directory)
            throw;
        return std::nullopt;
    }

    Content content;
    std::string_view rest = text;
    if (!take_head(rest, content)) {
        log::warn(log::Line("jsonl checkpoint cannot be read").with("path", path()));
        return std::nullopt;
    }
    for (JsonlIntent intent; take_intent(rest, intent);)
        content.intents.push_back(std::move(intent));

    open_for_intents();
    if (!rest.empty() && ftruncate(fd_.get(), static_cast<off_t>(text.size() - rest.size())) != 0)
        fail("truncate", path());
    return content;
}

void JsonlCheckpoint::replace(const Content& content) {
    fd_.reset();
    replace_file(path(), std::string(kHead) + std::to_string(content.seq) + " " +
                             std::to_string(content.until) + " " +
                             std::to_string(content.since_ns) + "\n" + lines(content.intents));
    open_for_intents();
}

void JsonlCheckpoint::open_for_intents() {
    fd_ = Fd(open(path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
    if (!fd_)
        fail("open", path());
}

void JsonlCheckpoint::add(std::span<const JsonlIntent> intents, bool durable) {
    const std::string text = lines(intents);
    for (std::string_view rest = text; !rest.empty();) {
        const ssize_t put = write(fd_.get(), rest.data(), rest.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            fail("append to", path());
        rest.remove_prefix(static_cast<size_t>(put));
    }
    if (durable && fdatasync(fd_.get()) != 0)
        fail("sync", path());
}

}  // namespace herald::sidecar

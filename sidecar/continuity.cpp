// A slot counts only when it is, byte for byte, what its content is written as: that covers its
// checksum, too.
#include "sidecar/continuity.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

#include "ring/hash.hpp"
#include "sidecar/disk_calls.hpp"
#include "sidecar/files.hpp"
#include "sidecar/state_directory.hpp"
#include "sidecar/text_cursor.hpp"

namespace herald::sidecar {

namespace {

constexpr std::string_view kPolicies[] = {"always", "everysec", "never"};
constexpr size_t kMaxBootLength = 64;

std::string hex16(uint64_t value) {
    return log_name(static_cast<uint32_t>(value >> 32)) + log_name(static_cast<uint32_t>(value));
}

bool take_number(TextCursor& in, uint64_t& value) {
    const char* begin = in.rest.data();
    const auto parsed = std::from_chars(begin, begin + in.rest.size(), value);
    in.rest.remove_prefix(static_cast<size_t>(parsed.ptr - begin));
    return parsed.ec == std::errc{};
}

bool take_bool(TextCursor& in, bool& value) {
    value = in.take("true");
    return value || in.take("false");
}

bool take_policy(TextCursor& in, Fsync& fsync) {
    for (size_t i = 0; i < std::size(kPolicies); ++i) {
        if (in.take(kPolicies[i])) {
            fsync = static_cast<Fsync>(i);
            return true;
        }
    }
    return false;
}

// A boot id goes between quotes as it is.
std::string harmless(std::string text) {
    std::erase_if(text, [](char c) {
        return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-');
    });
    text.resize(std::min(text.size(), kMaxBootLength));
    return text;
}

void write_slot(int fd, std::string_view slot, uint64_t turn, const std::string& path) {
    auto at = static_cast<off_t>((turn & 1) * kSlotDistance);
    while (!slot.empty()) {
        const ssize_t put = pwrite(fd, slot.data(), slot.size(), at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            throw std::system_error(errno, std::generic_category(), "write " + path);
        slot.remove_prefix(static_cast<size_t>(put));
        at += put;
    }
    if (g_disk.fdatasync(fd) != 0)
        throw std::system_error(errno, std::generic_category(), "fdatasync " + path);
}

}  // namespace

std::string encode_slot(const Promise& promise, uint64_t turn) {
    const auto boolean = [](bool value) { return value ? "true" : "false"; };
    std::string slot = R"({"version":1,"turn":)" + std::to_string(turn);
    slot += R"(,"log":")" + log_name(promise.log);
    slot += R"(","limit":)" + std::to_string(promise.limit);
    slot += R"(,"boot":")" + harmless(promise.boot);
    slot += R"(","fsync":")";
    slot += kPolicies[static_cast<size_t>(promise.fsync)];
    slot += R"(","clean":)";
    slot += boolean(promise.clean);
    slot += R"(,"ahead":)";
    slot += boolean(promise.ahead);
    slot += R"(,"xxh3":")" + hex16(XXH3_64bits(slot.data(), slot.size())) + R"("})";
    slot.resize(kSlotLength - 1, ' ');
    return slot += '\n';
}

bool decode_slot(std::string_view slot, Promise& promise, uint64_t& turn) {
    TextCursor in{slot};
    std::string_view log, boot;
    if (!in.take(R"({"version":1,"turn":)") || !take_number(in, turn) || !in.take(R"(,"log":")") ||
        !in.take(8, log) || !in.take(R"(","limit":)") || !take_number(in, promise.limit) ||
        !in.take(R"(,"boot":")") || !in.take_until('"', boot) || !in.take(R"(","fsync":")") ||
        !take_policy(in, promise.fsync) || !in.take(R"(","clean":)") ||
        !take_bool(in, promise.clean) || !in.take(R"(,"ahead":)") || !take_bool(in, promise.ahead))
        return false;
    promise.log = 0;
    std::from_chars(log.data(), log.data() + log.size(), promise.log, 16);
    promise.boot = boot;
    return turn != 0 && encode_slot(promise, turn) == slot;
}

Continuity::Continuity(std::string path) : path_(std::move(path)) {
    std::string content;
    try {
        content = read_file(path_);
    } catch (const std::system_error& error) {
        if (error.code() == std::errc::no_such_file_or_directory)
            return;
        throw;
    }

    found_ = Found::Damaged;
    for (size_t begin = 0; begin + kSlotLength <= content.size(); begin += kSlotDistance) {
        Promise promise;
        uint64_t turn = 0;
        if (!decode_slot(std::string_view(content).substr(begin, kSlotLength), promise, turn) ||
            turn <= turn_)
            continue;
        found_ = Found::Whole;
        turn_ = turn;
        promise_ = promise;
    }
    if (found_ != Found::Whole || content.size() < 2 * kSlotDistance)
        return;

    file_ = Fd(open(path_.c_str(), O_RDWR | O_CLOEXEC));
    if (!file_)
        throw std::system_error(errno, std::generic_category(), "open " + path_);
}

void Continuity::keep(const Promise& promise) {
    const uint64_t turn = turn_ + 1;
    const std::string slot = encode_slot(promise, turn);
    if (file_) {
        write_slot(file_.get(), slot, turn, path_);
    } else {
        std::string content(2 * kSlotDistance, '\n');
        content.replace((turn & 1) * kSlotDistance, kSlotLength, slot);
        replace_file(path_, content);
        file_ = Fd(open(path_.c_str(), O_RDWR | O_CLOEXEC));
        if (!file_)
            throw std::system_error(errno, std::generic_category(), "open " + path_);
    }
    turn_ = turn;
    promise_ = promise;
}

std::string boot_id() {
    try {
        return harmless(read_file("/proc/sys/kernel/random/boot_id"));
    } catch (const std::system_error&) {
        return {};
    }
}

}  // namespace herald::sidecar

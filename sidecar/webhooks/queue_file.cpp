// Lines: what a group changes, then the line that ends it with a checksum over the group.
#include "sidecar/webhooks/queue_file.hpp"

#include <fcntl.h>
#include <openssl/sha.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <map>
#include <system_error>

#include "sidecar/files.hpp"
#include "sidecar/log.hpp"

namespace herald::sidecar {

namespace {

constexpr std::string_view kHead = "webhook 1\n";
constexpr size_t kSumDigits = 16;

[[noreturn]] void fail(const std::string& what, const std::string& path) {
    throw std::system_error(errno, std::generic_category(), what + " " + path);
}

// The first 8 bytes of the SHA-256, in hex.
std::string sum_of(std::string_view text) {
    constexpr char kDigits[] = "0123456789abcdef";
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    std::string sum;
    for (size_t i = 0; i < kSumDigits / 2; ++i)
        (sum += kDigits[digest[i] >> 4]) += kDigits[digest[i] & 15];
    return sum;
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

// Reads group after group.
class Groups {
  public:
    explicit Groups(std::string_view text) : rest_(text) {}

    // False where what comes next is no whole group; `rest` is then as it was.
    bool next() {
        changes_.clear();
        std::string_view at = rest_;
        for (;;) {
            const size_t lf = at.find('\n');
            if (lf == at.npos)
                return false;
            const std::string_view line = at.substr(0, lf + 1);
            at.remove_prefix(lf + 1);
            if (line.starts_with("= "))
                return end_group(line.substr(2), at);
            if (!change(line))
                return false;
        }
    }

    size_t rest() const { return rest_.size(); }
    uint64_t read_seq() const { return read_seq_; }
    std::map<uint64_t, Delivery>& pending() { return pending_; }

  private:
    struct Change {
        char kind = 0;
        uint64_t seq = 0;
        Delivery delivery{};  // of '+'; its attempts also of '!'
    };

    bool change(std::string_view line) {
        Change change;
        change.kind = line[0];
        if (line.size() < 2 || line[1] != ' ')
            return false;
        line.remove_prefix(2);
        switch (change.kind) {
            case '+':
                if (!take_delivery(line, change.delivery))
                    return false;
                change.seq = change.delivery.id.seq;
                break;
            case '!':
                if (!take(line, change.seq, ' ') || !take(line, change.delivery.attempts, '\n'))
                    return false;
                break;
            case '-':
                if (!take(line, change.seq, '\n'))
                    return false;
                break;
            default:
                return false;
        }
        changes_.push_back(std::move(change));
        return true;
    }

    bool take_delivery(std::string_view line, Delivery& delivery) {
        uint64_t since_ms = 0;
        uint32_t attempts = 0;
        if (!take(line, since_ms, ' ') || !take(line, attempts, ' '))
            return false;
        line.remove_suffix(1);
        JournalEntry entry;
        if (!parser_.parse(line, entry) || entry.kind != ring::Kind::Event)
            return false;
        delivery = Delivery::of(entry, since_ms);
        delivery.attempts = attempts;
        return true;
    }

    // `line`: behind "= ". `behind`: what follows it.
    bool end_group(std::string_view line, std::string_view behind) {
        uint64_t read_seq = 0;
        if (!take(line, read_seq, ' ') || line.size() != kSumDigits + 1)
            return false;
        const size_t summed = rest_.size() - behind.size() - line.size();
        if (line.substr(0, kSumDigits) != sum_of(rest_.substr(0, summed)))
            return false;

        rest_ = behind;
        read_seq_ = read_seq;
        for (Change& change : changes_) {
            if (change.kind == '+')
                pending_.insert_or_assign(change.seq, std::move(change.delivery));
            else if (change.kind == '-')
                pending_.erase(change.seq);
            else if (const auto found = pending_.find(change.seq); found != pending_.end())
                found->second.attempts = change.delivery.attempts;
        }
        return true;
    }

    std::string_view rest_;
    uint64_t read_seq_ = 0;
    std::map<uint64_t, Delivery> pending_{};
    std::vector<Change> changes_{};
    LineParser parser_{};
};

}  // namespace

std::optional<QueueFile::Content> QueueFile::load() {
    file_.reset();
    group_.clear();
    std::string text;
    try {
        text = read_file(path_);
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::no_such_file_or_directory)
            throw;
        return std::nullopt;
    }

    const bool headed = text.starts_with(kHead);
    Groups groups(std::string_view(text).substr(headed ? kHead.size() : text.size()));
    if (!headed || !groups.next()) {
        if (rename(path_.c_str(), (path_ + ".bad").c_str()) != 0)
            fail("rename", path_);
        log::error(log::Line("webhook queue cannot be read; it is kept aside")
                       .with("path", path_ + ".bad"));
        return std::nullopt;
    }
    while (groups.next()) {
    }
    Content content;
    content.read_seq = groups.read_seq();
    content.lost_bytes = groups.rest();
    for (auto& [seq, delivery] : groups.pending())
        content.pending.push_back(std::move(delivery));
    return content;
}

void QueueFile::add(const Delivery& delivery) {
    group_ +=
        "+ " + std::to_string(delivery.since_ms) + " " + std::to_string(delivery.attempts) + " ";
    append_line(group_, delivery.entry());
}

void QueueFile::note(uint64_t seq, uint32_t attempts) {
    group_ += "! " + std::to_string(seq) + " " + std::to_string(attempts) + "\n";
}

void QueueFile::drop(uint64_t seq) {
    group_ += "- " + std::to_string(seq) + "\n";
}

void QueueFile::end_group(uint64_t read_seq) {
    group_ += "= " + std::to_string(read_seq) + " ";
    group_ += sum_of(group_) + "\n";
}

void QueueFile::commit(uint64_t read_seq) {
    end_group(read_seq);
    for (std::string_view rest = group_; !rest.empty();) {
        const ssize_t put = write(file_.get(), rest.data(), rest.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            fail("append to", path_);
        rest.remove_prefix(static_cast<size_t>(put));
    }
    size_ += group_.size();
    group_.clear();
}

void QueueFile::replace(uint64_t read_seq) {
    file_.reset();
    end_group(read_seq);
    group_.insert(0, kHead);
    replace_file(path_, group_);
    size_ = group_.size();
    group_ = {};
    file_ = Fd(open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
    if (!file_)
        fail("open", path_);
}

void QueueFile::sync() {
    if (fdatasync(file_.get()) != 0)
        fail("sync", path_);
}

}  // namespace herald::sidecar

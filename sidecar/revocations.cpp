// Chunks of the log fit into one message each, so that a message is a chunk's rest.
#include "sidecar/revocations.hpp"

#include <utility>

#include "ring/control.hpp"

namespace herald::sidecar {

namespace trust = ring::trust;

namespace {

constexpr size_t kChunk = 60 * 1024;  // bytes: with its head in one frame
static_assert(kChunk + sizeof(trust::Kind) + sizeof(trust::RevocationsHead) <=
              ring::control::kMaxPart);
constexpr size_t kSpared = 10'000;  // superseded ones that are no reason to start over

}  // namespace

Revocations::Revocations(uv_loop_t* loop, const std::string& path, std::function<void()> changed,
                         size_t limit)
    : changed_(std::move(changed)),
      set_(limit),
      file_(loop, path, set_, [this](size_t lines) { on_written(lines); }) {
    rebuild();
}

bool Revocations::add(Revocation revocation) {
    const auto put = set_.put(revocation);
    if (put == RevocationSet::Put::Full)
        return false;
    if (put == RevocationSet::Put::Known)
        return true;
    file_.append(revocation_line(revocation));
    waiting_.push_back(std::move(revocation));
    return true;
}

void Revocations::on_written(size_t lines) {
    for (; lines != 0 && !waiting_.empty(); --lines) {
        append(waiting_.front());
        waiting_.pop_front();
    }
    if (waiting_.empty() && logged_ > 2 * set_.size() + kSpared)
        rebuild();
    changed_();
}

// -- the log

void Revocations::append(const Revocation& revocation) {
    if (chunks_.back().items.size() + trust::encoded_size(revocation) > kChunk)
        chunks_.emplace_back();
    Chunk& last = chunks_.back();
    trust::append_revocation(last.items, revocation);
    ++last.count;
    ++logged_;
}

void Revocations::rebuild() {
    ++generation_;
    chunks_.assign(1, Chunk{});
    logged_ = 0;
    set_.each([this](const Revocation& revocation) { append(revocation); });
}

bool Revocations::at_end(const Cursor& cursor) const {
    return cursor.chunk + 1 == chunks_.size() && cursor.offset == chunks_.back().items.size();
}

bool Revocations::next(Cursor& cursor, std::string& message) const {
    trust::RevocationsHead head;
    if (cursor.generation != generation_) {
        cursor = Cursor{};
        cursor.generation = generation_;
        head.first = 1;
    } else if (at_end(cursor)) {
        return false;
    }

    if (cursor.offset == chunks_[cursor.chunk].items.size() && cursor.chunk + 1 < chunks_.size()) {
        ++cursor.chunk;
        cursor.offset = cursor.count = 0;
    }
    const Chunk& chunk = chunks_[cursor.chunk];
    const std::string_view items = std::string_view(chunk.items).substr(cursor.offset);
    head.count = chunk.count - cursor.count;
    cursor.offset = chunk.items.size();
    cursor.count = chunk.count;
    if (!cursor.whole && at_end(cursor))
        head.whole = cursor.whole = true;
    message = trust::encode_revocations(head, items);
    return true;
}

}  // namespace herald::sidecar

// STATE/continuity: what the next start has to know so that it gives no seq twice, whatever ends
// this one (docs/formats.md).
//
// A small file of fixed size that is overwritten in place, so that it can be kept up to date on a
// full disk. It has two slots which take turns: a write that is cut short spoils only the older.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sidecar/config.hpp"
#include "sidecar/fd.hpp"

namespace herald::sidecar {

// Seqs. A limit is never further ahead of what has been given; it is moved on when less than half
// of that is left. May grow from one version to the next: what is missing more than this is lost.
inline constexpr uint64_t kReserved = 1000 * 1000;

struct Promise {
    uint32_t log = 0;
    uint64_t limit = 0;  // no seq above it has been given; where `clean`, the last that was
    std::string boot{};  // the machine's boot id; empty: not known
    Fsync fsync = Fsync::EverySec;
    bool clean = false;  // ended in order, with everything on disk
    bool ahead = false;  // seqs have been given that the journal may not have

    bool operator==(const Promise&) const = default;
};

class Continuity {
  public:
    enum class Found { Missing, Damaged, Whole };

    // Reads the file. Throws std::system_error where it is there and cannot be read.
    explicit Continuity(std::string path);

    Found found() const { return found_; }
    // The newest promise that was kept whole. Where none was found: a default one.
    const Promise& promise() const { return promise_; }

    // Makes the file anew where none was found, else overwrites the older slot. On disk when it
    // returns. Throws std::system_error; the promise on disk is the old one then.
    void keep(const Promise& promise);

  private:
    std::string path_;
    Fd file_{};
    Found found_ = Found::Missing;
    Promise promise_{};
    uint64_t turn_ = 0;  // of the newest slot; 0: there is none
};

// This boot of the machine, as the kernel names it; empty where it does not.
std::string boot_id();

// A slot's bytes: a line of text of fixed length. Empty out of `decode_slot`: damaged.
inline constexpr size_t kSlotLength = 256;     // bytes, with its LF
inline constexpr size_t kSlotDistance = 4096;  // bytes: no sector is shared
std::string encode_slot(const Promise& promise, uint64_t turn);
// False, with the results in any state, where the slot is damaged.
bool decode_slot(std::string_view slot, Promise& promise, uint64_t& turn);

}  // namespace herald::sidecar

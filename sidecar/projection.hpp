// A projection: something derived from the journal, entry by entry, by a thread of its own
// (projection_thread.hpp), so that a slow disk never delays a stream.
//
// A projection knows how far it has got (its checkpoint), also after `kill -9` at any moment:
// what it shows of the journal is exactly the entries up to some seq, each once.
#pragma once

#include <cstdint>
#include <string>

#include "sidecar/journal_entry.hpp"
#include "sidecar/side_thread.hpp"

namespace herald::sidecar {

class Projection {
  public:
    virtual ~Projection() = default;

    virtual std::string name() const = 0;                         // for the log: "index"
    virtual Niceness niceness() const { return Niceness::Soon; }  // of its thread

    // Opens, and repairs what a crash has left behind, which may need entries again: returns the
    // seq behind which `apply` is to go on. Called again after any of these has thrown. Throws
    // std::exception, whose text is logged.
    virtual uint64_t open() = 0;

    // The next entry, in the order of seqs, each once.
    virtual void apply(const JournalEntry& entry) = 0;

    // The journal starts only behind what `open` asked for: the events behind `from_seq` up to
    // `to_seq` are not to be had any more. Comes before the next `apply`.
    virtual void skip(uint64_t from_seq, uint64_t to_seq) = 0;

    // There is nothing more to apply for now, or much was: what was applied is to be kept.
    virtual void commit() = 0;

    // Every second or so, after `commit`: upkeep such as pruning. `now_ms`: wall clock.
    virtual void tend(uint64_t now_ms) = 0;
};

}  // namespace herald::sidecar

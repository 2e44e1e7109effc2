// [ingest]: the registry of ingest runs, watched. Its differences become events on a channel, each
// once, and its runs are the view `runs`.
//
//   table of what the journal tells ──▶ told
//   file ──▶ look (thread) ──▶ differences from `told` ──▶ event log, some a turn ──▶ told
//
// The events go straight into the event log: they need no Redis, and of several nodes that watch
// one file each tells its own clients each difference once. While the journal cannot be written
// none are added; the file is compared again when it can.
//
// A file that is malformed, half written, too large, gone or not to be read says nothing: what it
// said last goes on to count. The file is looked at only when there is a sign of a change, never
// for a request. Lives on the loop.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sidecar/file_watch.hpp"
#include "sidecar/ingest/ingest_config.hpp"
#include "sidecar/ingest/registry_file.hpp"
#include "sidecar/ingest/run_table.hpp"
#include "sidecar/ingest/runs_view.hpp"
#include "sidecar/own_events.hpp"
#include "sidecar/projection_thread.hpp"
#include "sidecar/segments.hpp"
#include "sidecar/uv.hpp"

namespace herald::sidecar {

class IngestRegistry final : private ProjectionThread::Visitor {
  public:
    // `table`: the path of the table's file. `journal_end` as in RunTable, on any thread.
    // `settle_ms`: from a sign of a change to the look. The references outlive it. Throws
    // std::system_error.
    IngestRegistry(uv_loop_t* loop, const IngestConfig& config, std::string table,
                   Segments& segments, const std::function<uint64_t()>& journal_end,
                   OwnEvents& events, uint64_t settle_ms = 10);

    RunsView& view() { return view_; }
    uint64_t committed_seq() const { return thread_.committed_seq(); }  // for the journal's pruning

  private:
    bool visit() override;
    void take_table() noexcept;
    void look() noexcept;
    void on_look(Look& look);
    void accept(Look& look);
    void publish() noexcept;
    void finish_publishing() noexcept;
    void drop_in_background(std::shared_ptr<const RunSnapshot> runs,
                            std::vector<RunChange> changes) noexcept;
    void note(std::string problem);
    void say() noexcept;

    uv_loop_t* loop_;
    const IngestConfig config_;
    OwnEvents& events_;
    const WatchTimes times_;
    const uint64_t table_from_;  // the table can be believed from this seq on
    RunTable table_;
    RunsView view_{};

    std::mutex mutex_{};
    std::shared_ptr<const RunSnapshot> from_table_{};  // mutex_, on its way to the loop
    bool table_read_ = false;                          // of the projection's thread

    KnownFile known_{};                          // `told` is empty until the table has been read
    std::shared_ptr<const RunSnapshot> next_{};  // what `changes_` lead to; empty: nothing does
    std::vector<RunChange> changes_{};
    size_t published_ = 0;  // of `changes_`
    bool looking_ = false;
    bool again_ = false;  // a sign of a change has come meanwhile

    std::string problem_{};  // with the file; empty: none
    std::string said_{};     // the same, as it was logged

    Handle<uv_async_t> table_ready_;
    Handle<uv_timer_t> again_timer_;    // to look again, at what moves
    Handle<uv_timer_t> publish_timer_;  // to go on publishing
    Handle<uv_timer_t> say_timer_;
    std::unique_ptr<FileWatch> watch_{};
    std::shared_ptr<void> alive_ = std::make_shared<char>();  // looks under way hold it weakly
    ProjectionThread thread_;                                 // last: ends before what it uses
};

}  // namespace herald::sidecar

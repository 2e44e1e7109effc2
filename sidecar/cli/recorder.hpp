// Listens to a stream until it ends for good: connects, and connects again, from where it was.
//
// What it hears goes to an EventFile by the rules of selection.hpp; what happens is told on
// standard error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sidecar/cli/event_file.hpp"
#include "sidecar/cli/interrupt.hpp"
#include "sidecar/cli/recording_text.hpp"
#include "sidecar/cli/selection.hpp"
#include "sidecar/cli/stream_client.hpp"
#include "sidecar/cli/terminal_line.hpp"
#include "sidecar/cli/turns.hpp"

namespace herald::cli {

enum class EventFormat { Data, Sse, Json };

struct RecorderOptions {
    bool with_gaps = false;
    bool all = false;       // greetings, gaps and keepalives, too
    bool only_json = true;  // what is no JSON is left out and told
    EventFormat format = EventFormat::Data;
    std::vector<std::string> until{};  // names; an event of one of them is the last
    uint64_t count = 0;                // of the events to write; 0: no bound
    std::optional<uint64_t> limit_ms{};
    bool live_line = false;
    bool quiet = false;  // tells nothing of connections
    const char* verb = "recorded";
};

class Recorder : private Listener {
  public:
    Recorder(StreamOptions stream, RecorderOptions options, EventFile& file,
             const Interrupt& interrupt);

    // Returns the exit code.
    int run();

  private:
    void opened() override;
    bool hear(const Received& received) override;
    void batch_end() override { file_.flush(); }

    Outcome listen();
    bool is_wanted(const Received& received, Sort sort);
    void tell_left_out(const char* what);
    void write(const Received& received, Sort sort);
    bool wait_to_reconnect(const Outcome& outcome);
    void show();
    void tell(const std::string& text);
    int end(const std::string& failure);
    double elapsed_s() const;

    StreamOptions stream_;
    const RecorderOptions options_;
    EventFile& file_;
    Turns turns_;
    StreamState state_{};
    Sorter sorter_{};
    TerminalLine line_{};
    const uint64_t start_ms_;

    RecordingCounts counts_{};
    bool connected_ = false;
    bool ever_connected_ = false;
    bool first_ = true;       // no event has come over this connection
    uint64_t opened_ms_ = 0;  // this connection; 0: it is not open
    uint32_t fruitless_ = 0;
    uint64_t told_ = 0;
    std::string scratch_{};
    double rate_ = 0;
    uint64_t rate_events_ = 0;
    double rate_at_s_ = 0;
};

}  // namespace herald::cli

// One webhook: follows the journal at its own pace, sends what its feed's events are, keeps what a
// crash must not take. Lives on the webhooks' loop; nothing in it waits for a receiver.
//
//   journal ──read──▶ queue (bounded) ──▶ requests (few) ──▶ delivered, again later, or dead letter
//                       └──commit, 20 ms──▶ queue file
//
// 1. `committed_seq` is on disk (unless fsync is Never): everything up to it was delivered, is a
//    dead letter, or is in the queue file.
// 2. A dead letter is on disk before the queue file forgets its event.
// 3. Nothing is read while the queue is full or the disk fails: memory is bounded.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/feed.hpp"
#include "sidecar/journal_reader.hpp"
#include "sidecar/uv.hpp"
#include "sidecar/webhooks/dead_letters.hpp"
#include "sidecar/webhooks/delivery_queue.hpp"
#include "sidecar/webhooks/health.hpp"
#include "sidecar/webhooks/queue_file.hpp"
#include "sidecar/webhooks/request.hpp"

namespace herald::sidecar {

struct WebhookSettings {
    std::string directory{};   // of the files
    std::string ca_file{};     // PEM; empty: the system's store
    bool durable = true;       // the checkpoint covers only what is on disk
    uint64_t journal_end = 0;  // the seq behind which the journal went on at the start
    uint64_t started_ms = 0;   // milliseconds since 1970
};

class Webhook {
  public:
    // The references outlive the object.
    Webhook(uv_loop_t* loop, CurlLoop& curl, const Segments& segments, const Feed& feed,
            const WebhookConfig& config, WebhookSettings settings);
    ~Webhook();
    Webhook(const Webhook&) = delete;
    Webhook& operator=(const Webhook&) = delete;

    // -- on the loop
    // The journal may have grown.
    void turn() noexcept;
    // Begins nothing more.
    void stop() noexcept { stopping_ = true; }
    bool is_idle() const { return sending_ == 0; }

    // -- any thread
    const std::string& name() const { return name_; }
    WebhookFigures figures() const { return health_.figures(); }
    // The journal may go behind this one.
    uint64_t committed_seq() const { return committed_seq_.load(std::memory_order_acquire); }

  private:
    void use_disk();
    void open();
    void read_journal();
    void accept(const JournalEntry& entry);
    bool may_read() const;

    void send_due();
    WebhookRequest& idle_request();
    void on_done(Delivery& delivery, const WebhookRequest::Outcome& outcome);
    void delivered(Delivery& delivery);
    void failed(Delivery& delivery, const WebhookRequest::Outcome& outcome);
    void bury(Delivery& delivery);
    void remove(Delivery& delivery);

    uint64_t commit_due_ms() const;
    void commit();
    void write_group();
    void sync();

    void arrange();

    uint64_t now_ms() const { return uv_now(loop_); }  // of a clock that does not jump

    uv_loop_t* loop_;
    CurlLoop& curl_;
    const Segments& segments_;
    const Feed& feed_;
    const WebhookConfig& config_;
    const WebhookSettings settings_;
    const std::string name_;  // in the log, and of the files
    const std::string origin_;
    DeliveryQueue queue_;
    QueueFile file_;
    DeadLetters letters_;
    std::vector<Delivery*> dead_{};  // taken, and in `letters_`; removed when these are on disk
    std::vector<std::unique_ptr<WebhookRequest>> requests_{};
    std::optional<JournalReader> reader_{};  // nothing: not open
    std::minstd_rand random_{std::random_device{}()};

    bool stopping_ = false;
    bool at_end_ = false;    // of the journal, when it was last looked
    uint64_t read_seq_ = 0;  // of the newest entry looked at
    size_t sending_ = 0;
    uint64_t paused_until_ms_ = 0;  // the receiver has asked for it

    // -- of the disk
    std::vector<uint64_t> dropped_{};  // in the queue file, and no longer to be delivered
    bool changed_ = false;             // deliveries, other than in memory
    bool must_replace_ = true;         // the queue file is not as it should be
    bool unsynced_ = false;
    uint64_t written_seq_ = 0;  // `read_seq_` as the queue file has it
    uint64_t committed_ms_ = 0;
    uint64_t synced_ms_ = 0;
    uint64_t disk_again_ms_ = 0;  // not before
    std::atomic<uint64_t> committed_seq_{0};

    size_t troubled_ = 0;    // in the queue, and were tried in vain
    uint32_t failures_ = 0;  // attempts in a row
    WebhookHealth health_;
    Handle<uv_timer_t> timer_;
};

}  // namespace herald::sidecar

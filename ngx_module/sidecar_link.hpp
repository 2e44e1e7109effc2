// A worker's connection to the sidecar: connects, says hello, receives ring and doorbell, carries
// questions and answers (asks.hpp) and news (trust.hpp), notices the sidecar's death, and tries
// again. Never blocks; believes nothing that it reads before it has checked it.
//
// What it has received stays valid after the sidecar is gone: the ring is drained to its end and
// goes on answering resumes until the next one arrives.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ngx.hpp"
#include "ring/control.hpp"
#include "ring/reader.hpp"

namespace herald {

// A ring as a worker holds it.
struct AttachedRing {
    AttachedRing(int fd, uint64_t size) : mapping(fd, size), reader(mapping) {}
    ring::Mapping mapping;
    ring::Reader reader;
    const ring::Header& header() const { return mapping.header(); }
};

class SidecarLink {
  public:
    struct Events {
        std::function<void(std::unique_ptr<AttachedRing>)> attached;
        std::function<void()> lost;      // the sidecar is gone, after `attached`
        std::function<void()> doorbell;  // something new in the ring
        std::function<bool(std::string_view payload)> answer;  // of a frame; false: nonsense
        std::function<bool(std::string_view payload)> news;    // likewise
    };

    // `path`: of the socket, zero-terminated, outlives the link.
    SidecarLink(ngx_log_t* log, ngx_str_t path, Events events);
    ~SidecarLink();
    SidecarLink(const SidecarLink&) = delete;
    SidecarLink& operator=(const SidecarLink&) = delete;

    void connect();
    bool is_attached() const { return attached_; }

    // Sends frames, as soon as the sidecar takes them; nothing while it is not attached. Calls
    // none of the events.
    void send(std::string frames);

  private:
    static void on_timer(ngx_event_t* event) noexcept;
    static void on_read(ngx_event_t* event) noexcept;
    static void on_write(ngx_event_t* event) noexcept;
    static void on_doorbell(ngx_event_t* event) noexcept;

    bool try_connect();
    void retry_later();
    void read();
    ssize_t receive(int* fds, int& count);
    bool take_frames(int* fds, int count);
    bool take_frame(const ring::control::FrameHeader& header, std::string_view payload, int* fds,
                    int& count);
    void attach(std::string_view payload, int* fds, int count);
    void complain_of_frame(ring::control::Parse parsed, const ring::control::FrameHeader& header);
    void complain_of_refusal(std::string_view reason);
    void flush();
    void disconnect();
    ngx_connection_t* watch(int fd, ngx_event_handler_pt handler);

    ngx_log_t* log_;
    ngx_str_t path_;
    Events events_;
    ngx_connection_t* connection_ = nullptr;
    ngx_connection_t* doorbell_ = nullptr;
    ngx_event_t timer_{};
    std::unique_ptr<char[]>
        input_;  // bytes from `taken_` to `received_` wait for their frame's end
    size_t taken_ = 0;
    size_t received_ = 0;
    std::string output_;
    size_t sent_ = 0;       // of the output
    ngx_msec_t delay_ = 0;  // before the next try
    bool attached_ = false;
    bool broken_ = false;  // the output cannot be sent: to be disconnected
    enum class Complaint { None, Absent, Refused, BadRing };
    Complaint complaint_ = Complaint::None;  // the last one of this outage: once is enough
};

}  // namespace herald

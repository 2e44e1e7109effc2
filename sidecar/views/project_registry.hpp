// The projects that there are: ShotGrid's list in memory and in a file, so that there is one while
// ShotGrid is away, and at the next start.
//
// What ShotGrid answers replaces both; a failure changes neither, and is tried again with growing
// pauses. A file that cannot be written is told once and tried again in the same way, while memory
// goes on. Without ShotGrid the file is somebody else's: it is read, never written.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>

#include "sidecar/https_keys.hpp"
#include "sidecar/uv.hpp"
#include "sidecar/views/project_file.hpp"
#include "sidecar/views/shotgrid_projects.hpp"

namespace herald::sidecar {

struct RegistryOptions {
    ProjectFile file{};
    ShotgridOptions shotgrid{};  // without a url: none
    FetchTimes times{};          // refresh_ms 0: only at the start and when asked to
};

class ProjectRegistry {
  public:
    // Begins to read the file and to ask ShotGrid. The references outlive the object.
    ProjectRegistry(uv_loop_t* loop, CurlLoop& curl, RegistryOptions options);

    // Names, sorted; a JSON array of them.
    const std::set<std::string>& names() const { return names_; }
    const std::string& json() const { return json_; }

    // When memory was what ShotGrid had, ISO 8601; empty: not known.
    const std::string& synced() const { return synced_; }

    // Somebody looks: where `expire` was called since the last sync, the next one begins.
    void touch();
    void expire() { expired_ = true; }

  private:
    void read_file(bool first);
    void on_read(const StoredProjects& stored, bool first);
    void sync() noexcept;
    void on_synced(ShotgridProjects::Result result);
    void fail_sync(const std::string& reason) noexcept;
    void sync_later(uint64_t delay_ms) noexcept;
    void take(std::set<std::string> names);
    void write() noexcept;
    void on_written(const std::string& error);
    uint64_t delay_ms(uint32_t failures);

    uv_loop_t* loop_;
    CurlLoop& curl_;
    RegistryOptions options_;
    std::string shown_;  // ShotGrid's URL, for the log

    std::set<std::string> names_{};
    std::string json_ = "[]";
    std::string synced_{};

    Handle<uv_timer_t> sync_timer_;
    Handle<uv_timer_t> write_timer_;
    std::unique_ptr<ShotgridProjects> sync_{};  // under way
    bool answered_ = false;                     // ShotGrid, since the start
    bool expired_ = false;
    uint32_t sync_failures_ = 0;
    std::set<std::string> told_{};  // reasons of this outage
    bool writing_ = false;
    bool write_again_ = false;
    uint32_t write_failures_ = 0;
    std::minstd_rand random_{std::random_device{}()};
    std::shared_ptr<void> alive_ = std::make_shared<char>();  // jobs under way hold it weakly
};

}  // namespace herald::sidecar

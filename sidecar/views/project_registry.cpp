#include "sidecar/views/project_registry.hpp"

#include <utility>

#include "ring/timestamp.hpp"
#include "sidecar/background.hpp"
#include "sidecar/event_log.hpp"
#include "sidecar/log.hpp"
#include "sidecar/views/upstream_json.hpp"
#include "sidecar/wall_clock.hpp"

namespace herald::sidecar {

namespace {

constexpr size_t kMaxTold = 16;

std::string json_of(const std::set<std::string>& names) {
    std::string json = "[";
    for (const std::string& name : names)
        json += (json.size() == 1 ? "" : ",") + json_string_of(name);
    return json + "]";
}

}  // namespace

ProjectRegistry::ProjectRegistry(uv_loop_t* loop, CurlLoop& curl, RegistryOptions options)
    : loop_(loop),
      curl_(curl),
      options_(std::move(options)),
      shown_(url_for_log(options_.shotgrid.url)),
      sync_timer_(make_timer(loop, this)),
      write_timer_(make_timer(loop, this)) {
    read_file(true);
    if (!options_.shotgrid.url.empty())
        sync();
}

void ProjectRegistry::touch() {
    if (expired_ && !sync_ && sync_failures_ == 0)
        sync();
}

// -- the file

void ProjectRegistry::read_file(bool first) {
    auto stored = std::make_shared<StoredProjects>();
    stored->error = "out of memory";
    run_in_background(
        loop_, alive_, [stored, file = options_.file] { *stored = read_projects(file); },
        [this, stored, first] { on_read(*stored, first); });
}

void ProjectRegistry::on_read(const StoredProjects& stored, bool first) {
    if (!stored.error.empty() && told_.insert(stored.error).second)
        log::error(log::Line("project registry's file not read")
                       .with("file", options_.file.path)
                       .with("reason", stored.error));
    if (stored.found && !answered_) {
        synced_ = stored.synced;
        take(stored.names);
    }
    if (first)
        log::info(log::Line("project registry's file")
                      .with("file", options_.file.path)
                      .with("projects", stored.names.size()));
    if (options_.shotgrid.url.empty() && options_.times.refresh_ms != 0)
        sync_later(options_.times.refresh_ms);
}

void ProjectRegistry::write() noexcept {
    if (std::exchange(writing_, true)) {
        write_again_ = true;
        return;
    }
    try {
        auto error = std::make_shared<std::string>("out of memory");
        run_in_background(
            loop_, alive_,
            [error, file = options_.file, names = names_, synced = synced_] {
                *error = write_projects(file, names, synced);
            },
            [this, error] { on_written(*error); });
    } catch (const std::exception&) {
        writing_ = false;  // the next sync writes it
    }
}

void ProjectRegistry::on_written(const std::string& error) {
    writing_ = false;
    if (std::exchange(write_again_, false))
        return write();
    if (error.empty()) {
        if (std::exchange(write_failures_, 0) != 0)
            log::info(log::Line("project registry's file is written again")
                          .with("file", options_.file.path));
        uv_timer_stop(write_timer_.get());
        return;
    }
    if (write_failures_++ == 0)
        log::warn(log::Line("project registry's file not written; memory goes on")
                      .with("file", options_.file.path)
                      .with("reason", error));
    uv_timer_start(
        write_timer_.get(),
        [](uv_timer_t* timer) noexcept { owner_of<ProjectRegistry>(timer).write(); },
        delay_ms(write_failures_), 0);
}

// -- ShotGrid

void ProjectRegistry::sync_later(uint64_t delay_ms) noexcept {
    uv_timer_start(
        sync_timer_.get(),
        [](uv_timer_t* timer) noexcept { owner_of<ProjectRegistry>(timer).sync(); }, delay_ms, 0);
}

void ProjectRegistry::sync() noexcept {
    uv_timer_stop(sync_timer_.get());
    expired_ = false;
    try {
        if (options_.shotgrid.url.empty())
            return read_file(false);
        sync_ = std::make_unique<ShotgridProjects>(
            loop_, curl_, options_.shotgrid,
            [this](ShotgridProjects::Result result) { on_synced(std::move(result)); });
    } catch (const std::exception& error) {
        fail_sync(error.what());
    }
}

void ProjectRegistry::on_synced(ShotgridProjects::Result result) {
    sync_.reset();
    if (!result.error.empty())
        return fail_sync(result.error);
    if (options_.times.refresh_ms != 0)
        sync_later(delay_ms(0));
    sync_failures_ = 0;
    answered_ = true;
    if (!told_.empty() || result.names != names_)
        log::info(log::Line("project registry synced")
                      .with("source", shown_)
                      .with("projects", result.names.size()));
    told_.clear();
    synced_.clear();
    ring::append_time(synced_, wall_clock_ms());
    take(std::move(result.names));
    write();
}

// Each reason once per outage.
void ProjectRegistry::fail_sync(const std::string& reason) noexcept {
    ++sync_failures_;
    sync_later(delay_ms(sync_failures_));
    try {
        if (told_.size() < kMaxTold && told_.insert(reason).second)
            log::error(log::Line("projects not to be had")
                           .with("source", shown_)
                           .with("reason", reason)
                           .with("shown", std::to_string(names_.size()) + " known before"));
    } catch (const std::exception&) {
        // Out of memory: it is tried again all the same.
    }
}

void ProjectRegistry::take(std::set<std::string> names) {
    names_ = std::move(names);
    json_ = json_of(names_);
}

uint64_t ProjectRegistry::delay_ms(uint32_t failures) {
    return fetch_delay_ms(options_.times, failures, static_cast<uint32_t>(random_()));
}

}  // namespace herald::sidecar

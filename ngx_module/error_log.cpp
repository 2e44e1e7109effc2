#include "error_log.hpp"

#include <algorithm>

#include "token_scan.hpp"

namespace herald {

namespace {

// What a log wrote with before; its `wdata` from now on. Copies of a log share it.
struct Wrapped {
    ngx_log_writer_pt writer;  // nullptr: to its file
    void* data;
    const EdgeMainSettings* settings;
};

void write_masked(ngx_log_t* log, ngx_uint_t level, u_char* text, size_t size) noexcept {
    const auto* wrapped = static_cast<const Wrapped*>(log->wdata);
    mask_log_line({reinterpret_cast<char*>(text), size},
                  elements<std::string_view>(wrapped->settings->queries),
                  elements<std::string_view>(wrapped->settings->headers));
    if (wrapped->writer != nullptr) {
        ngx_log_t original = *log;
        original.writer = wrapped->writer;
        original.wdata = wrapped->data;
        wrapped->writer(&original, level, text, size);
        return;
    }
    // As nginx does it: a full disk is tried once a second.
    if (ngx_time() == log->disk_full_time)
        return;
    if (ngx_write_fd(log->file->fd, text, size) == -1 && ngx_errno == NGX_ENOSPC)
        log->disk_full_time = ngx_time();
}

bool wrap(ngx_cycle_t* cycle, ngx_log_t* log, const EdgeMainSettings& settings) {
    for (; log != nullptr; log = log->next) {
        if (log->writer == write_masked)
            continue;
        void* memory = ngx_palloc(cycle->pool, sizeof(Wrapped));
        if (memory == nullptr)
            return false;
        log->wdata = new (memory) Wrapped{log->writer, log->wdata, &settings};
        log->writer = write_masked;
    }
    return true;
}

}  // namespace

bool note_error_log(ngx_conf_t* cf) {
    auto* core = static_cast<ngx_http_core_loc_conf_t*>(
        ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
    ngx_array_t*& logs = edge_main_settings(cf)->logs;
    const auto known = elements<ngx_log_t*>(logs);
    if (core->error_log == nullptr ||
        std::find(known.begin(), known.end(), core->error_log) != known.end())
        return true;
    if (logs == nullptr)
        logs = ngx_array_create(cf->pool, 4, sizeof(ngx_log_t*));
    auto* slot = logs == nullptr ? nullptr : static_cast<ngx_log_t**>(ngx_array_push(logs));
    if (slot != nullptr)
        *slot = core->error_log;
    return slot != nullptr;
}

void warn_of_debug_logs([[maybe_unused]] ngx_cycle_t* cycle,
                        [[maybe_unused]] const EdgeMainSettings& settings) {
#if (NGX_DEBUG)
    for (const ngx_log_t* log : elements<ngx_log_t*>(settings.logs)) {
        for (; log != nullptr; log = log->next) {
            if ((log->log_level & NGX_LOG_DEBUG_ALL) == 0)
                continue;
            ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                          "herald: an error_log is at debug level, it may show tokens of requests: "
                          "use it without real tokens, or set it to info");
            return;
        }
    }
#endif
}

bool mask_error_logs(ngx_cycle_t* cycle, const EdgeMainSettings& settings) {
    for (ngx_log_t* log : elements<ngx_log_t*>(settings.logs)) {
        if (!wrap(cycle, log, settings))
            return false;
    }
    // Connections begin with a copy of their listening socket's log, made when that was opened.
    auto* listening = static_cast<ngx_listening_t*>(cycle->listening.elts);
    for (ngx_uint_t i = 0; i < cycle->listening.nelts; ++i) {
        if (listening[i].handler == ngx_http_init_connection &&
            !wrap(cycle, &listening[i].log, settings))
            return false;
    }
    return true;
}

}  // namespace herald

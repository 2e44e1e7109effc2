// Tokens in nginx's error log: a line can hold a request line, a header line or a referrer before
// any module is asked. Every log that a request can write to therefore gets a writer of ours, which
// masks the finished line and hands it on.
#pragma once

#include "edge_settings.hpp"

namespace herald {

// Notes a location's error_log, while settings are merged; false: no memory.
bool note_error_log(ngx_conf_t* cf);

// Warns, once, when one of them is at debug level.
void warn_of_debug_logs(ngx_cycle_t* cycle, const EdgeMainSettings& settings);

// In a worker, before it takes connections. false: no memory.
bool mask_error_logs(ngx_cycle_t* cycle, const EdgeMainSettings& settings);

}  // namespace herald

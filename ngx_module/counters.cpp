#include "counters.hpp"

#include <csignal>

namespace herald {

namespace {

// nginx calls this in the master, for a new zone and again at every reload.
ngx_int_t init_zone(ngx_shm_zone_t* zone, void* previous) noexcept {
    if (previous != nullptr) {
        zone->data = previous;
        return NGX_OK;
    }
    auto* pool = reinterpret_cast<ngx_slab_pool_t*>(zone->shm.addr);
    if (zone->shm.exists) {
        zone->data = pool->data;
        return NGX_OK;
    }
    void* memory = ngx_slab_calloc(pool, sizeof(CounterZone));
    if (memory == nullptr)
        return NGX_ERROR;
    zone->data = pool->data = new (memory) CounterZone{};
    return NGX_OK;
}

bool is_alive(uint64_t pid) {
    return kill(static_cast<pid_t>(pid), 0) == 0 || ngx_errno != ESRCH;
}

}  // namespace

std::string_view name_of(CloseReason reason) {
    constexpr std::string_view kNames[kCloseReasons] = {
        "", "client", "ended", "drain", "slow", "idle", "lifetime", "expired", "sidecar"};
    return kNames[static_cast<size_t>(reason)];
}

ngx_shm_zone_t* add_counter_zone(ngx_conf_t* cf) {
    ngx_str_t name = ngx_string("herald_counters");
    constexpr size_t kSlabOverhead = 32 * 1024;
    ngx_shm_zone_t* zone = ngx_shared_memory_add(cf, &name, sizeof(CounterZone) + kSlabOverhead,
                                                 &ngx_http_herald_module);
    if (zone != nullptr)
        zone->init = init_zone;
    return zone;
}

CounterZone* counters_of(ngx_shm_zone_t* zone) {
    return zone == nullptr ? nullptr : static_cast<CounterZone*>(zone->data);
}

WorkerCounters* claim_counters(CounterZone& zone) {
    WorkerCounters* mine = &zone.workers[CounterZone::kSlots - 1];
    for (WorkerCounters& slot : zone.workers) {
        uint64_t owner = slot.pid.load(std::memory_order_relaxed);
        if (owner != 0 && is_alive(owner))
            continue;
        if (slot.pid.compare_exchange_strong(owner, static_cast<uint64_t>(ngx_pid))) {
            mine = &slot;
            break;
        }
    }
    for (auto* gauge :
         {&mine->sse, &mine->websocket, &mine->attached, &mine->channels, &mine->held_bytes})
        gauge->store(0, std::memory_order_relaxed);
    return mine;
}

void release_counters(WorkerCounters& counters) {
    for (auto* gauge : {&counters.sse, &counters.websocket, &counters.attached, &counters.channels,
                        &counters.held_bytes})
        gauge->store(0, std::memory_order_relaxed);
    counters.pid.store(0, std::memory_order_relaxed);
}

}  // namespace herald

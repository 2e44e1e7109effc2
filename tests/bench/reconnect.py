"""A rush of clients that come back at once, a hundred events behind, beside the same number of plain connects."""

import statistics

import servers
from durability import produce, status, temporary_redis
from servers import OTHER_CORE
from streams import LOAD_TIMEOUT_SECONDS

CLIENTS = 10_000
BEHIND = 100  # events that each has missed; the ring has them
AT_ONCE = 4000  # await their response at a time: nginx's backlog is 4,096


def measure(row, name, build, quick):
    """Plain connects and resuming ones take turns; medians."""
    with temporary_redis(OTHER_CORE) as (directory, redis_port), \
            servers.sidecar(directory, build, redis_port) as child, \
            servers.nginx(directory, build, redis_port, child, "location = /status { herald_status; }") as server:
        before = status(server)["last_id"]
        produce(build, redis_port, ("--ring", directory / "herald.sock"), "--events", BEHIND, "--channel", "past",
                on=OTHER_CORE)
        load = [build / "bench/herald_bench_load", *server.load_args(False), "--subscribers", CLIENTS,
                "--at-once", AT_ONCE, "--spin"]
        run = lambda *more: servers.run_json([*load, *more], OTHER_CORE, LOAD_TIMEOUT_SECONDS)
        plain, resumed = [], []
        for _ in range(row.repeats[quick]):
            plain.append(run("--path", "/s/quiet", "--idle", "--settle", "0"))
            resumed.append(run("--path", "/s/past", "--resume", before, "--events", BEHIND))

    figures = {key: statistics.median(each[key] for each in resumed)
               for key in ("events_per_second", "server_cpu_us_per_event", "sidecar_cpu_us_per_event")}
    faults = {key: sum(each[key] for each in resumed)
              for key in ("lost", "duplicated", "out_of_order", "foreign", "closed")}
    return {**figures, **faults,
            "plain_seconds": statistics.median(each["connect_seconds"] for each in plain),
            "resumed_seconds": statistics.median(each["seconds"] for each in resumed),
            "ratio": statistics.median(late["seconds"] / early["connect_seconds"]
                                       for early, late in zip(plain, resumed))}

"""How costs grow: CPU by the number of subscribers, memory by the number of channels, and what an event costs a worker
that nobody has asked for it.
"""

import socket

import servers
from durability import cpu_seconds, produce, temporary_redis, with_children
from servers import OTHER_CORE, BenchError
from streams import LOAD_TIMEOUT_SECONDS, running

# Subscribers, and events a second: few enough that each goes out by itself.
STEPS = ((1, 20), (10, 20), (100, 20), (1000, 20), (10_000, 5))
EVENTS = 200_000  # in the ring, however many channels share them
BATCH = 1000  # that Python publishes before it waits for Redis


def subscribers(row, name, build, quick):
    """CPU microseconds of an event, by the number of its subscribers."""
    by_count = {}
    faults = {}
    with running(name, build) as (server, _, _):
        for count, rate in STEPS:
            run = servers.run_json([build / "bench/herald_bench_load", *server.load_args(True), "--subscribers", count,
                                    "--rate", rate, "--seconds", row.seconds[quick]], OTHER_CORE, LOAD_TIMEOUT_SECONDS)
            by_count[str(count)] = run["server_cpu_us"] / run["published"]
            for kind in ("lost", "duplicated", "out_of_order", "foreign", "closed"):
                faults[kind] = faults.get(kind, 0) + run[kind]
    return {**faults, "by_count": by_count, "largest": by_count[str(STEPS[-1][0])], "steepest": steepest(by_count)}


def steepest(by_count):
    """How much faster than the count the cost grows at most, from one step to the next; 1 is linear."""
    points = [(int(count), cost) for count, cost in by_count.items()]
    return max(b_cost / a_cost / (b / a) for (a, a_cost), (b, b_cost) in zip(points, points[1:]))


class Witness:
    """A subscriber of bench:witness: when it has an event, the worker has passed everything before."""

    def __init__(self, port, redis_port):
        self.redis = socket.create_connection(("127.0.0.1", redis_port))
        self.stream = socket.create_connection(("127.0.0.1", port))
        self.stream.settimeout(30)
        self.stream.sendall(b"GET /s/witness HTTP/1.1\r\nHost: bench\r\n\r\n")
        self.await_bytes(b"\r\n\r\n")

    def await_bytes(self, wanted):
        received = b""
        while wanted not in received:
            part = self.stream.recv(65536)
            if not part:
                raise BenchError("the witness's stream ended")
            received += part

    def publish(self, channels, data):
        """Publishes once to each of these channels and waits until the worker has seen it."""
        for start in range(0, len(channels), BATCH):
            some = channels[start:start + BATCH]
            self.redis.sendall(b"".join(b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (
                len(channel), channel, len(data), data) for channel in some))
            replies = 0
            while replies < len(some):
                replies += self.redis.recv(65536).count(b"\n")

    def catch_up(self):
        self.publish([b"bench:witness"], b'{"seen":true}')
        self.await_bytes(b'{"seen":true}')


def anonymous_bytes(pids):
    """Memory of these processes without the ring, which all share."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as lines:
            total += next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) * 1024
    return total


def channels(row, name, build, quick):
    """Bytes and CPU for the same number of events on ever more channels, a fresh server for each step."""
    steps = [one_step(build, count) for count in row.repeats[quick]]
    first, last = steps[0], steps[-1]
    count = row.repeats[quick][-1]
    each = lambda who: (last[f"{who}_bytes"] - first[f"{who}_bytes"]) / count
    by_count = lambda what: {str(step["channels"]): step[what] for step in steps}
    return {"worker_memory": by_count("worker_bytes"), "sidecar_memory": by_count("sidecar_bytes"),
            "worker_bytes": each("worker"), "sidecar_bytes": each("sidecar"),
            "worker_us": last["worker_us"], "sidecar_us": last["sidecar_us"], "worker_us_one": first["worker_us"],
            "sidecar_us_one": first["sidecar_us"], "steps": steps}


def one_step(build, count):
    data = b'{"text":"' + b"x" * 180 + b'"}'
    with temporary_redis(OTHER_CORE) as (directory, redis_port), \
            servers.sidecar(directory, build, redis_port) as child, \
            servers.nginx(directory, build, redis_port, child) as server:
        witness = Witness(server.port, redis_port)
        witness.catch_up()
        workers = with_children(server.pids)
        before = measured(workers, child.pid)
        names = [b"bench:%d" % (number % count) for number in range(EVENTS)]
        witness.publish(names, data)
        witness.catch_up()
        after = measured(workers, child.pid)
    grown = {key: after[key] - before[key] for key in after}
    return {"channels": count, "worker_bytes": grown["worker_bytes"], "sidecar_bytes": grown["sidecar_bytes"],
            "worker_us": grown["worker_s"] * 1e6 / EVENTS, "sidecar_us": grown["sidecar_s"] * 1e6 / EVENTS}


def measured(workers, sidecar):
    return {"worker_bytes": anonymous_bytes(workers), "sidecar_bytes": anonymous_bytes([sidecar]),
            "worker_s": cpu_seconds(workers), "sidecar_s": cpu_seconds([sidecar])}


def unsubscribed(row, name, build, quick):
    """CPU of a worker for events of channels that nobody has subscribed to; it has one stream of another channel."""
    with running(name, build) as (server, directory, redis_port):
        witness = Witness(server.port, redis_port)
        witness.catch_up()
        workers = with_children(server.pids)
        before = cpu_seconds(workers)
        run = produce(build, redis_port, ("--ring", directory / "herald.sock"), "--events", row.repeats[quick],
                      on=OTHER_CORE)
        witness.catch_up()
        return {"us_per_event": (cpu_seconds(workers) - before) * 1e6 / run["published"]}

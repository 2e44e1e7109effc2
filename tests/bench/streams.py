"""The scenarios of live streams: one server, one load generator, one run."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

import servers

# In flight at most, when saturated. Who sends every event by itself gains nothing from a longer queue; the
# shorter one only takes less time to drain.
WINDOW = {"floor C": "512", "herald": "512", "floor A": "128", "nchan": "128"}

LOAD_TIMEOUT_SECONDS = 90


def start(stack, name, directory, build, redis_port):
    if name == "nchan":
        return stack.enter_context(servers.nchan(directory))
    if name == "herald":
        return stack.enter_context(servers.herald(directory, build, redis_port))
    return stack.enter_context(servers.floor(directory, build, redis_port, name[-1]))


def measure(row, name, build, quick):
    """Starts Redis and the server, loads it, stops both; returns the load generator's figures."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="herald-bench-")))
        redis_port = stack.enter_context(servers.redis(directory))
        server = start(stack, name, directory, build, redis_port)

        publishes = row.seconds is not None
        command = [build / "bench/herald_bench_load", *row.load, *server.load_args(publishes)]
        if publishes:
            command += ["--seconds", row.seconds[quick], "--window", WINDOW[name]]
        return servers.run_json(command, servers.OTHER_CORE, LOAD_TIMEOUT_SECONDS)

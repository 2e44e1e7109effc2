"""The scenarios of live streams: one server, one load generator, one run."""

import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import servers
from variants import make_certificate, variant_of

# Events in flight at most, when saturated. Who sends every event by itself gains nothing from a longer queue; the
# shorter one only takes less time to drain.
WINDOW = 512
LONGEST_QUEUE = {"floor A": 128_000, "nchan": 128_000, "node": 512_000, "fastapi": 512_000}  # deliveries

LOAD_TIMEOUT_SECONDS = 150


def start(stack, name, directory, build, redis_port, channels=1):
    base = name.partition("+")[0]
    if base == "nchan":
        return stack.enter_context(servers.nchan(directory, variant_of(name)))
    if base == "herald":
        return stack.enter_context(servers.herald(directory, build, redis_port, variant_of(name)))
    if base in ("node", "fastapi"):
        return stack.enter_context(servers.service(base, directory, redis_port))
    return stack.enter_context(servers.floor(directory, build, redis_port, name[-1], channels))


@contextmanager
def running(name, build, channels=1):
    """The server of this name, with a Redis of its own, in a directory of its own: (server, directory, Redis' port)."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="herald-bench-")))
        redis_port = stack.enter_context(servers.redis(directory))
        yield start(stack, name, directory, build, redis_port, channels), directory, redis_port


def value_of(load, option, otherwise):
    """What the load generator's option is set to; the last one counts."""
    return next((value for name, value in zip(reversed(load[:-1]), reversed(load)) if name == option), otherwise)


def window(name, load):
    deliveries = LONGEST_QUEUE.get(name.partition("+")[0])
    if deliveries is None:
        return WINDOW
    return max(1, deliveries // int(value_of(load, "--subscribers", 1)))


def measure(row, name, build, quick):
    """Starts Redis and the server, loads it, stops both; returns the load generator's figures."""
    with running(name, build, value_of(row.load, "--channels", 1)) as (server, _, _):
        publishes = row.seconds is not None
        command = [build / "bench/herald_bench_load", *row.load, *server.load_args(publishes)]
        if publishes:
            command += ["--seconds", row.seconds[quick], "--window", window(name, row.load)]
        run = servers.run_json(command, servers.OTHER_CORE, LOAD_TIMEOUT_SECONDS)
    if "latency_us" in run:
        run["reads_per_delivery"] = run["reads"] / max(run["deliveries"], 1)
        run["latency_ms"] = {key: value / 1e3 for key, value in run["latency_us"].items()}
    return run


def measure_beside_openssl(row, name, build, quick):
    """As `measure`; the server named "openssl" is what OpenSSL keeps for a connection by itself."""
    if name != "openssl":
        return measure(row, name, build, quick)
    with tempfile.TemporaryDirectory(prefix="herald-bench-") as directory:
        make_certificate(directory)
        return servers.run_json([build / "bench/herald_bench_openssl", f"{directory}/tls.crt", f"{directory}/tls.key",
                                 value_of(row.load, "--subscribers", 1)], servers.OTHER_CORE, LOAD_TIMEOUT_SECONDS)

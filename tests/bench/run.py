#!/usr/bin/env python3
"""Measures Herald beside a raw epoll server (the floor) and nchan, and prints a table.

    python3 tests/bench/run.py --build build [--quick] [--rounds N] [--only NAME] [--json FILE]
                                [--without-herald]

Exit status: 0 measured, 1 something failed or Herald lost an event, 2 Herald has not been built.
README.md beside this file says what the rows mean.
"""

import argparse
import json
import resource
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.dont_write_bytecode = True  # no __pycache__ in the source tree

import report
import servers


@dataclass(frozen=True)
class Goal:
    """A ratio of two servers' figures, with what it should be; `limit` None: for information."""

    server: str
    base: str
    sense: str = ">="  # how the ratio should compare with the limit
    limit: float = None


@dataclass(frozen=True)
class Row:
    """One scenario, run against each of `servers`."""

    name: str
    title: str
    figure: str  # path into the load generator's JSON
    unit: str
    servers: tuple
    load: tuple  # its arguments
    seconds: tuple  # (full, quick); None when it does not publish
    goals: tuple


SATURATE = ("--subscribers", "1000", "--rate", "0")

ROWS = (
    Row("saturated-sse", "1,000 SSE on one channel, as fast as it goes", "deliveries_per_second", "deliveries/s",
        ("floor A", "floor C", "nchan", "herald"), SATURATE, (3, 2),
        (Goal("herald", "nchan", ">=", 20), Goal("herald", "floor C"))),
    Row("saturated-websocket", "1,000 WebSocket on one channel, as fast as it goes", "deliveries_per_second",
        "deliveries/s", ("floor C", "nchan", "herald"), (*SATURATE, "--websocket"), (3, 2),
        (Goal("herald", "nchan"), Goal("herald", "floor C"))),
    Row("one-1000", "1,000 SSE, one event at a time, 100/s", "cpu_us_per_delivery", "CPU us/delivery",
        ("floor A", "nchan", "herald"), ("--subscribers", "1000", "--rate", "100"), (4, 3),
        (Goal("herald", "floor A", "<=", 1.15), Goal("nchan", "floor A"))),
    Row("one-10000", "10,000 SSE, one event at a time, 2/s", "cpu_us_per_delivery", "CPU us/delivery",
        ("floor A", "nchan", "herald"), ("--subscribers", "10000", "--rate", "2"), (5, 4),
        (Goal("herald", "floor A", "<=", 1.15), Goal("nchan", "floor A"))),
    Row("idle-10000", "10,000 idle SSE", "pss_bytes_per_connection", "bytes PSS/connection",
        ("floor A", "nchan", "herald"), ("--subscribers", "10000", "--idle"), None,
        (Goal("herald", "nchan", "<", 1),)),
    Row("latency", "1 SSE, 1,000/s, PUBLISH to receipt", "latency_us.p50", "us median",
        ("floor A", "nchan", "herald"), ("--subscribers", "1", "--rate", "1000"), (4, 3),
        (Goal("herald", "floor A", "<=", 1.6), Goal("nchan", "floor A"))),
)

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
        command = [str(build / "bench/herald_bench_load"), *row.load, *server.load_args(publishes)]
        if publishes:
            command += ["--seconds", str(row.seconds[quick]), "--window", WINDOW[name]]
        result = subprocess.run(command, capture_output=True, text=True, timeout=LOAD_TIMEOUT_SECONDS,
                                preexec_fn=servers.on_core(servers.OTHER_CORE))
        if result.returncode != 0:
            raise servers.BenchError(f"{row.name}, {name}: {result.stderr.strip()}")
        return json.loads(result.stdout)


def run_rows(rows, available, build, rounds, quick):
    """{row: {server: [figures of each round]}}. Within a round the servers take turns, so that what the host
    does to one it does to all."""
    results = {row.name: {name: [] for name in row.servers if name in available} for row in rows}
    for turn in range(rounds):
        for row in rows:
            for name, runs in results[row.name].items():
                runs.append(measure(row, name, build, quick))
                value = report.figure(runs[-1], row.figure)
                print(f"  round {turn + 1}/{rounds}  {row.name:20} {name:8} {report.number(value)} {row.unit}",
                      file=sys.stderr, flush=True)
    return results


def raise_file_limit():
    """Gives this process and its children the descriptors that 10,000 connections need."""
    wanted = 16_384
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    except (ValueError, OSError):
        sys.exit(f"run.py: 10,000 connections need {wanted} open files; `ulimit -Hn` says {hard}")


def available_servers(build, without_herald):
    """Which servers can be measured; exits when what should be there is not."""
    for program in ("herald_bench_load", "herald_bench_floor"):
        if not (build / "bench" / program).exists():
            sys.exit(f"run.py: {build}/bench/{program} is missing: build first")
    available = ["floor A", "floor C"]
    if servers.NCHAN_MODULE.exists():
        available.append("nchan")
    else:
        print(f"run.py: no nchan, {servers.NCHAN_MODULE} is missing (libnginx-mod-nchan)", file=sys.stderr)
    if not without_herald:
        for part in ("herald", "ngx_http_herald_module.so"):
            if not (build / part).exists():
                print(f"run.py: Herald is not built: {build / part} is missing", file=sys.stderr)
                sys.exit(2)
        available.append("herald")
    return available


def parse_arguments():
    parser = argparse.ArgumentParser(description="Measures Herald beside the floor and nchan.")
    parser.add_argument("--build", type=Path, default=Path("build"), help="CMake's build directory")
    parser.add_argument("--quick", action="store_true", help="one short round instead of three")
    parser.add_argument("--rounds", type=int, help="how many rounds (3, with --quick 1)")
    parser.add_argument("--only", choices=[row.name for row in ROWS], action="append", help="this row (repeatable)")
    parser.add_argument("--json", type=Path, help="write everything that was measured here")
    parser.add_argument("--without-herald", action="store_true", help="the floor and nchan alone")
    return parser.parse_args()


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop(_signal, _frame):
    """Leaves all `with` blocks, which end the processes; a second Ctrl-C must not interrupt that."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main():
    arguments = parse_arguments()
    build = arguments.build.resolve()
    for number in SIGNALS:
        signal.signal(number, stop)
    raise_file_limit()
    available = available_servers(build, arguments.without_herald)
    rows = [row for row in ROWS if not arguments.only or row.name in arguments.only]
    rounds = max(1, arguments.rounds or (1 if arguments.quick else 3))

    try:
        results = run_rows(rows, available, build, rounds, arguments.quick)
    except (servers.BenchError, subprocess.TimeoutExpired) as error:
        sys.exit(f"run.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)

    summary = report.summarise(rows, results)
    print(report.table(summary, rounds))
    if arguments.json:
        arguments.json.write_text(json.dumps(
            {"machine": report.machine(), "rounds": rounds, "rows": summary, "runs": results}, indent=1) + "\n")
    return 1 if report.herald_failed(results) else 0


if __name__ == "__main__":
    sys.exit(main())

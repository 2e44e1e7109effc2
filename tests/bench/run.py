#!/usr/bin/env python3
"""Measures Herald beside a raw epoll server (the floor) and nchan, and prints a table.

    python3 tests/bench/run.py --build build [--quick] [--rounds N] [--only NAME] [--json FILE]
                                [--fill FILE] [--without-herald]

Exit status: 0 measured, 1 something failed or Herald lost an event, 2 Herald has not been built.
README.md beside this file says what the rows mean.
"""

import argparse
import json
import resource
import signal
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # no __pycache__ in the source tree

import durability
import report
import servers
from rows import ROWS


def run_rows(rows, available, build, rounds, quick):
    """{row: {server: [figures of each round]}}. Within a round the servers take turns, so that what the host
    does to one it does to all."""
    results = {row.name: {name: [] for name in row.servers if name in available} for row in rows}
    for turn in range(rounds):
        for row in rows:
            if row.once and turn > 0:
                continue
            for name, runs in results[row.name].items():
                try:
                    runs.append(row.measure(row, name, build, quick))
                except servers.BenchError as error:
                    raise servers.BenchError(f"{row.name}, {name}: {error}") from error
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
    for program in ("load", "floor", "produce", "discard"):
        path = build / f"bench/herald_bench_{program}"
        if not path.exists():
            sys.exit(f"run.py: {path} is missing: build first")
    available = ["floor A", "floor C", "bare"]
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
    parser.add_argument("--fill", type=Path, metavar="FILE", help="put the rows of durability into this Markdown file")
    parser.add_argument("--without-herald", action="store_true", help="the others alone")
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
    rows = [row for row in rows if "herald" in available or set(row.servers) != {"herald"}]
    rounds = max(1, arguments.rounds or (1 if arguments.quick else 3))

    try:
        results = run_rows(rows, available, build, rounds, arguments.quick)
    except servers.BenchError as error:
        sys.exit(f"run.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)

    summary = report.summarise(rows, results, arguments.quick)
    print(report.table(summary, rounds))
    if arguments.fill:
        report.fill(arguments.fill, summary)
    if arguments.json:
        arguments.json.write_text(json.dumps(
            {"machine": report.machine(), "rounds": rounds, "rows": summary, "runs": results}, indent=1) + "\n")
    return 1 if report.herald_failed(results) else 0


if __name__ == "__main__":
    with durability.used_files:  # deleting them can take longer than a row: not before the table is out
        status = main()
        sys.stdout.flush()
    sys.exit(status)

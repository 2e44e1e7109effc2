#!/usr/bin/env python3
"""Measures Herald beside a raw epoll server (the floor) and its peers, and prints a table.

    python3 tests/bench/run.py --build build [--quick | --full] [--rounds N] [--only NAME] [--json FILE]
                                [--fill FILE] [--without-herald]

Exit status: 0 measured, 1 something failed or Herald lost an event, 2 Herald has not been built.
README.md beside this file says what the rows mean.
"""

import argparse
import importlib.util
import json
import resource
import shutil
import signal
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # no __pycache__ in the source tree

import document
import durability
import report
import servers
import variants
from rows import ROWS


def run_rows(rows, available, build, rounds, quick):
    """({row: {server: [figures of each round]}}, what failed). Within a round the servers take turns, so that what the
    host does to one it does to all. Who fails is left out of that row from then on: an hour's run goes on."""
    results = {row.name: {name: [] for name in row.servers if available(name)} for row in rows}
    errors = []
    for turn in range(rounds):
        for row in rows:
            if row.once and turn > 0:
                continue
            for name in list(results[row.name]):
                started = time.monotonic()
                try:
                    run = row.measure(row, name, build, quick)
                except servers.BenchError as error:
                    errors.append(f"{row.name}, {name}: {error}")
                    print(f"  {errors[-1]}", file=sys.stderr, flush=True)
                    del results[row.name][name]
                    continue
                results[row.name][name].append(run)
                value = report.number(report.figure(run, row.figure))
                print(f"  round {turn + 1}/{rounds}  {row.name:20} {name:12} {value} {row.unit}"
                      f"  ({time.monotonic() - started:.0f} s)", file=sys.stderr, flush=True)
    return results, errors


def raise_file_limit():
    """Gives this process and its children the descriptors that 10,000 connections need."""
    wanted = 16_384
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    except (ValueError, OSError):
        sys.exit(f"run.py: 10,000 connections need {wanted} open files; `ulimit -Hn` says {hard}")


class Available:
    """Which servers can be measured here; exits when what must be there is not."""

    def __init__(self, build, without_herald, with_services):
        for program in ("load", "floor", "produce", "discard", "openssl"):
            path = build / f"bench/herald_bench_{program}"
            if not path.exists():
                sys.exit(f"run.py: {path} is missing: build first")
        self.bases = {"floor A", "floor C", "bare", "openssl"}
        if variants.kernel_has_io_uring():
            self.bases.add("floor B")
        self.module = build / "ngx_http_herald_module.so"
        self.add_peers(with_services)
        if without_herald:
            return
        for part in (build / "herald", self.module):
            if not part.exists():
                print(f"run.py: Herald is not built: {part} is missing", file=sys.stderr)
                sys.exit(2)
        self.bases.add("herald")

    def add_peers(self, with_services):
        peers = [("nchan", servers.NCHAN_MODULE.exists(), "libnginx-mod-nchan")]
        if with_services:
            peers += [("node", shutil.which("node"), "nodejs"),
                      ("fastapi", all(map(importlib.util.find_spec, ("fastapi", "uvicorn", "redis"))),
                       "python3-fastapi, python3-uvicorn, python3-redis")]
        for name, is_there, packages in peers:
            if is_there:
                self.bases.add(name)
            else:
                print(f"run.py: no {name} ({packages})", file=sys.stderr)

    def __call__(self, name):
        base = name.partition("+")[0]
        if base not in self.bases:
            return False
        return base == name or variants.is_possible(variants.variant_of(name), self.module)


def chosen_rows(arguments, available):
    """Rows that are wanted and have somebody to be measured."""
    if arguments.only:
        rows = [row for row in ROWS if row.name in arguments.only]
    else:
        rows = [row for row in ROWS if arguments.full or not row.full]
    return [row for row in rows if any(map(available, row.servers))]


def parse_arguments():
    parser = argparse.ArgumentParser(description="Measures Herald beside the floor and its peers.")
    parser.add_argument("--build", type=Path, default=Path("build"), help="CMake's build directory")
    parser.add_argument("--quick", action="store_true", help="one short round instead of three")
    parser.add_argument("--full", action="store_true", help="all rows and servers, not only those of a few minutes")
    parser.add_argument("--rounds", type=int, help="how many rounds (3, with --quick 1)")
    parser.add_argument("--only", choices=[row.name for row in ROWS], action="append", help="this row (repeatable)")
    parser.add_argument("--json", type=Path, help="write everything that was measured here")
    parser.add_argument("--fill", type=Path, metavar="FILE",
                        help="put tables and charts into this Markdown file, of the rows that were measured")
    parser.add_argument("--render", type=Path, metavar="FILE",
                        help="measure nothing, write tables and charts anew from what was measured")
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
    if arguments.render:
        document.render(arguments.render, document.stored(arguments.render))
        return 0
    build = arguments.build.resolve()
    for number in SIGNALS:
        signal.signal(number, stop)
    raise_file_limit()
    available = Available(build, arguments.without_herald, arguments.full or arguments.only)
    rows = chosen_rows(arguments, available)
    rounds = max(1, arguments.rounds or (1 if arguments.quick else 3))

    try:
        results, errors = run_rows(rows, available, build, rounds, arguments.quick)
    except KeyboardInterrupt:
        sys.exit(130)

    rows = [row for row in rows if results[row.name]]
    summary = report.summarise(rows, results, arguments.quick)
    print(report.table(summary, rounds))
    if arguments.fill:
        document.fill(arguments.fill, summary, arguments.quick)
    if arguments.json:
        arguments.json.write_text(json.dumps(
            {"machine": report.machine(), "rounds": rounds, "rows": summary, "runs": results}, indent=1) + "\n")
    for error in errors:
        print(f"run.py: {error}", file=sys.stderr)
    return 1 if errors or report.herald_failed(results) else 0


if __name__ == "__main__":
    with durability.used_files:  # deleting them can take longer than a row: not before the table is out
        status = main()
        sys.stdout.flush()
    sys.exit(status)

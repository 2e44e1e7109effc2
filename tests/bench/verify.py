"""What a sidecar has kept of the events of herald_bench_produce, counted in its files: journal, index, JSONL.

Every event g has its number in its bytes, {"n":<10000000 + g>,..., and its channel follows from g, so that each
file's content is known beforehand, line by line.
"""

import os
import sqlite3
import time
from pathlib import Path

from servers import BenchError

EVENT_SIZE = 200
FIRST_NUMBER = 10_000_000
SLOTS, EVENTS_EACH = 1000, 10  # as in produce.cpp

CATCH_UP_SECONDS = 300


def events_of(channel, published):
    """The events of a channel, in order: the reverse of channel_of in produce.cpp."""
    slot = channel % SLOTS
    first_turn = channel // SLOTS * EVENTS_EACH - slot % EVENTS_EACH
    turns = range(max(first_turn, 0), first_turn + EVENTS_EACH)
    return [event for turn in turns if (event := turn * SLOTS + slot) < published]


def channels_of(published):
    """Every channel that has at least one of these events."""
    last = (published // SLOTS + 1 + EVENTS_EACH) // EVENTS_EACH * SLOTS + SLOTS
    return (channel for channel in range(last) if events_of(channel, published))


def open_index(state):
    return sqlite3.connect(f"file:{state}/index.db?mode=ro", uri=True, timeout=30)


def newest_indexed(state):
    """The seq of the newest event that the index shows."""
    try:
        index = open_index(state)
    except sqlite3.OperationalError:  # not made yet
        return 0
    try:
        return index.execute("SELECT max(seq) FROM events").fetchone()[0] or 0
    finally:
        index.close()


def jsonl_complete(state, published):
    """Whether the files of the channels that were under way at the end have all their lines. Lines are written in
    the order of the events, but for those that are still gathered: of these channels."""
    last = range(max(0, published - SLOTS * EVENTS_EACH), published)
    lines = {}
    for event in last:
        slot = event % SLOTS
        channel = (event // SLOTS + slot % EVENTS_EACH) // EVENTS_EACH * SLOTS + slot
        lines[channel] = None
    for channel in lines:
        try:
            size = os.stat(f"{state}/runs/{channel}.jsonl").st_size
        except FileNotFoundError:
            return False
        if size != len(events_of(channel, published)) * (EVENT_SIZE + 1):
            return False
    return True


def lags(state, run, with_jsonl):
    """Waits for index and JSONL files; seconds that each needed after the sidecar had published the last event."""
    waiting = {"index": lambda: newest_indexed(state) >= run["last_seq"]}
    if with_jsonl:
        waiting["jsonl"] = lambda: jsonl_complete(state, run["published"])
    lag = {}
    while waiting:
        for name in [name for name, is_done in waiting.items() if is_done()]:
            del waiting[name]
            lag[name] = time.monotonic() - run["finished"]
        if time.monotonic() - run["finished"] > CATCH_UP_SECONDS:
            raise BenchError(f"not caught up after {CATCH_UP_SECONDS} s: {', '.join(waiting)}")
        time.sleep(0.05)
    return lag


def count_journal(state):
    """(events in the journal's files, how many of them are not behind the one before)."""
    count = disorder = 0
    previous = -1
    for segment in sorted((Path(state) / "journal").glob("*.jsonl")):
        with open(segment, "rb") as lines:
            for line in lines:
                data = line[-EVENT_SIZE - 2:-2]  # behind it the object's brace and the LF
                if not data.startswith(b'{"n":'):
                    continue  # a notice
                number = int(data[5:13])
                disorder += number <= previous
                previous = number
                count += 1
    return count, disorder


def count_index(state):
    index = open_index(state)
    try:
        return index.execute("SELECT count(*) FROM events").fetchone()[0]
    finally:
        index.close()


def count_jsonl(state, published):
    """(lines in all files, lines that are not where they belong)."""
    lines = wrong = 0
    for channel in channels_of(published):
        try:
            content = Path(f"{state}/runs/{channel}.jsonl").read_bytes().split(b"\n")
        except FileNotFoundError:
            continue
        numbers = [int(line[5:13]) - FIRST_NUMBER for line in content[:-1]]
        lines += len(numbers)
        wrong += (numbers != events_of(channel, published)) + (content[-1] != b"")
    return lines, wrong


def account(state, published, with_jsonl=True):
    """Counts everything; the faults are what report.FAULTS names."""
    journal, journal_disorder = count_journal(state)
    index = count_index(state)
    counts = {"journal": journal, "index": index, "out_of_order": journal_disorder,
              "missing_in_journal": published - journal, "missing_in_index": published - index}
    if with_jsonl:
        jsonl, jsonl_disorder = count_jsonl(state, published)
        counts.update(jsonl=jsonl, missing_in_jsonl=published - jsonl, out_of_order=journal_disorder + jsonl_disorder)
    return counts


def bytes_below(directory):
    """What the files below a directory take."""
    return sum(os.lstat(os.path.join(path, name)).st_size for path, _, names in os.walk(directory) for name in names)

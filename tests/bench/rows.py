"""The rows of the table: what is measured, against whom, and what should come out."""

from dataclasses import dataclass
from typing import Callable

import compression
import durability
import streams
import tokens


@dataclass(frozen=True)
class Goal:
    """A ratio of two servers' figures, or one figure, with what it should be; `limit` None: for information."""

    server: str
    base: str = None  # None: the server's own figure is compared
    sense: str = ">="  # how the ratio should compare with the limit
    limit: float = None
    enough: float = None  # a figure of `server` that is good enough, whatever the ratio


@dataclass(frozen=True)
class Row:
    """One scenario, run against each of `servers`."""

    name: str
    title: str
    figure: str  # path into what `measure` returns
    unit: str
    servers: tuple
    load: tuple  # more arguments of the load generator, or of the producer
    seconds: tuple  # (full, quick); None when it does not publish
    goals: tuple
    measure: Callable = streams.measure  # (row, server, build directory, quick) -> the figures of one run
    repeats: tuple = None  # (full, quick): how often, or how many, within one run
    notes: tuple = ()  # (label, path, unit) of more figures of Herald's
    once: bool = False  # one round, however many the others get
    judged_when_quick: bool = True  # whether its goals mean something with --quick


RESUME_NOTES = (("from request to last event", "seconds", "s"),
                ("CPU of nginx", "server_cpu_us_per_event", "us/event"),
                ("CPU of the sidecar", "sidecar_cpu_us_per_event", "us/event"))

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
    Row("ingest", "Ingest with journal, index and a JSONL file for every 10 events", "events_per_second", "events/s",
        ("bare", "herald"), (), (15, 4),
        (Goal("herald", "bare", ">=", 0.8, enough=100_000),), durability.ingest,
        notes=(("slowest second", "slowest_second", "events/s"),
               ("CPU of the sidecar", "subject_cpu_us_per_event", "us/event"),
               ("index behind at the end", "lag.index", "s"),
               ("JSONL behind at the end", "lag.jsonl", "s"),
               ("until index and JSONL have all", "events_per_second_kept", "events/s"))),
    Row("ingest-ring", "Ingest into the ring alone, without a journal", "events_per_second", "events/s",
        ("bare", "herald"), (), (15, 4), (Goal("herald", "bare", ">=", 0.8, enough=300_000),), durability.ingest_ring,
        notes=(("slowest second", "slowest_second", "events/s"),
               ("CPU of the sidecar", "subject_cpu_us_per_event", "us/event"))),
    Row("ingest-100k", "The same at 100,000 a second: how far the slowest of index and files is behind at the end",
        "longest_lag", "s", ("herald",), ("--rate", "100000"), (15, 4), (),
        durability.ingest,
        notes=(("events a second", "events_per_second", "events/s"), ("slowest second", "slowest_second", "events/s"))),
    Row("resume", "One client resumes 10,000 events that are older than the ring", "events_per_second", "events/s",
        ("herald",), ("--subscribers", "1"), None, (Goal("herald", None, ">=", 200_000),), durability.resume,
        repeats=(15, 7), notes=RESUME_NOTES),
    Row("resume-100", "100 clients do so at once", "events_per_second", "events/s",
        ("herald",), ("--subscribers", "100"), None, (Goal("herald", None, ">=", 200_000),), durability.resume,
        repeats=(5, 3), notes=RESUME_NOTES),
    Row("history", "A poll of the newest 100 events, from the index", "ms_per_poll", "CPU ms/poll",
        ("herald",), (), None, (Goal("herald", None, "<=", 1),), durability.history, repeats=(2000, 500),
        notes=(("100 behind an id", "ms_per_poll_after", "CPU ms/poll"),
               ("nothing new: 304", "ms_per_poll_304", "CPU ms/poll"))),
    Row("memory", "The sidecar's memory at the end, relative to that after a fifth of the events", "growth", "x",
        ("herald",), (), None, (Goal("herald", None, "<=", 1.15),), durability.memory,
        repeats=(10_000_000, 1_000_000), once=True, judged_when_quick=False,
        notes=(("events (a tenth as many channels)", "published", ""),
               *((f"after {percent} %", f"pss_mb.{percent}", "MB PSS") for percent in range(10, 101, 10)),
               ("index behind at the end", "lag.index", "s"),
               ("state directory", "state_gb", "GB"))),
    Row("compress", "An event of 2 KB to 200 SSE clients, as gzip", "2000.ratio", "of the bytes as text", ("herald",), (),
        None, (), compression.measure, repeats=((4, 100), (2, 50)),
        notes=tuple((f"{label}, {size:,} bytes", f"{size}.{path}", unit)
                    for size in compression.SIZES
                    for label, path, unit in (("as text", "bytes_text", "bytes"), ("as gzip", "bytes_gzip", "bytes"),
                                              ("CPU as text", "cpu_text", "us/delivery"),
                                              ("CPU as gzip", "cpu_gzip", "us/delivery")))),
    Row("token-cached", "Checking a token that the worker knows", "cached", "CPU us", ("herald",), (), None,
        (Goal("herald", None, "<=", 2),), tokens.cost, repeats=((10, 2000), (4, 1000)),
        notes=(("HS256, new (target: 10)", "hs256", "us"), ("RS256, new (target: 30)", "rs256", "us"),
               ("ES256, new (target: 75)", "es256", "us"))),
    Row("token-crowd", "Connects with a token each", "connected", "streams", ("herald",), (), None, (), tokens.crowd,
        repeats=((50_000, 5000), (5000, 2500)), once=True),
)

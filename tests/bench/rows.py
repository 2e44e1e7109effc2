"""The rows of the table: what is measured, against whom, and what should come out."""

import compression
import durability
import projections
import tokens
import views
import webhooks
from row import Goal, Row
from rows_live import LIVE
from rows_postgres import POSTGRES
from rows_scale import SCALE

RESUME_NOTES = (("from request to last event", "seconds", "s"),
                ("CPU of nginx", "server_cpu_us_per_event", "us/event"),
                ("CPU of the sidecar", "sidecar_cpu_us_per_event", "us/event"))

ROWS = (
    *LIVE,
    *SCALE,
    *POSTGRES,
    Row("ingest-ring", "Ingest into the ring alone, without a journal", "events_per_second", "events/s",
        ("bare", "herald"), (), (15, 4), (Goal("herald", "bare", ">=", 0.8, enough=300_000),), durability.ingest_ring,
        notes=(("slowest second", "slowest_second", "events/s"),
               ("CPU of the sidecar", "subject_cpu_us_per_event", "us/event")), full=True),
    Row("ingest-index", "Ingest with journal and index", "events_per_second", "events/s", ("bare", "herald"), (), (10, 4),
        (Goal("herald", "bare", ">=", 0.8, enough=150_000),), durability.ingest_without_files, full=True,
        notes=(("slowest second", "slowest_second", "events/s"),
               ("CPU of the sidecar", "subject_cpu_us_per_event", "us/event"),
               ("index behind at the end", "lag.index", "s"))),
    Row("ingest-views", "The same, each event in two views of jobs, and without views", "events_per_second", "events/s",
        ("herald", "herald+views"), ("--jobs",), (10, 4), (Goal("herald+views", "herald", ">=", 0.85),),
        durability.ingest_without_files, full=True,
        notes=(("CPU of the sidecar, without views", "subject_cpu_us_per_event", "us/event"),)),
    Row("ingest", "Ingest with journal, index and a JSONL file for every 10 events", "events_per_second", "events/s",
        ("bare", "herald"), (), (15, 4),
        (Goal("herald", "bare", ">=", 0.8, enough=100_000),), durability.ingest,
        notes=(("slowest second", "slowest_second", "events/s"),
               ("CPU of the sidecar", "subject_cpu_us_per_event", "us/event"),
               ("index behind at the end", "lag.index", "s"),
               ("JSONL behind at the end", "lag.jsonl", "s"),
               ("until index and JSONL have all", "events_per_second_kept", "events/s"))),
    Row("ingest-100k", "The same at 100,000 a second: how far the slowest of index and files is behind at the end",
        "longest_lag", "s", ("herald",), ("--rate", "100000"), (15, 4), (),
        durability.ingest,
        notes=(("events a second", "events_per_second", "events/s"), ("slowest second", "slowest_second", "events/s")),
        full=True),
    Row("ingest-projections", "Ingest with two views, a row in PostgreSQL and a webhook for each event, over ingest without",
        "ratio", "x", ("herald",), ("--jobs",), (10, 4), (Goal("herald", None, ">=", 0.85),), projections.ingest,
        notes=(("without", "without", "events/s"), ("with", "with", "events/s"),
               ("PostgreSQL behind at the end", "lag", "s")), full=True),
    Row("ingest-webhooks", "Ingest with journal, index and a webhook: on a rare name, and on all with a slow receiver",
        "events_per_second", "events/s", ("herald", "herald+webhook-rare", "herald+webhook-all"), (), (10, 4),
        (Goal("herald+webhook-rare", "herald", ">=", 0.85), Goal("herald+webhook-all", "herald", ">=", 0.85)),
        webhooks.ingest, also=(("CPU us/event", "subject_cpu_us_per_event"),), full=True),
    Row("resume", "One client resumes 10,000 events that are older than the ring", "events_per_second", "events/s",
        ("herald",), ("--subscribers", "1"), None, (Goal("herald", None, ">=", 200_000),), durability.resume,
        repeats=(15, 7), notes=RESUME_NOTES),
    Row("resume-100", "100 clients do so at once", "events_per_second", "events/s",
        ("herald",), ("--subscribers", "100"), None, (Goal("herald", None, ">=", 200_000),), durability.resume,
        repeats=(5, 3), notes=RESUME_NOTES, full=True),
    Row("history", "A poll of the newest 100 events, from the index", "ms_per_poll", "CPU ms/poll",
        ("herald",), (), None, (Goal("herald", None, "<=", 1),), durability.history, repeats=(2000, 500),
        notes=(("100 behind an id", "ms_per_poll_after", "CPU ms/poll"),
               ("nothing new: 304", "ms_per_poll_304", "CPU ms/poll"))),
    Row("views", "A GET of a view of 100,000 jobs, with 100,000 runs in another", "ms_per_get", "CPU ms/request",
        ("herald",), (), None, (Goal("herald", None, "<=", 1),), views.get_cost, repeats=(2000, 500),
        notes=(("the newest 10 of 100,000 runs", "ms_per_get_runs", "CPU ms/request"),
               ("nothing new: 304", "ms_per_get_304", "CPU ms/request"))),
    Row("memory", "The sidecar's memory at the end, relative to that after a fifth of the events", "growth", "x",
        ("herald",), (), None, (Goal("herald", None, "<=", 1.15),), durability.memory,
        repeats=(10_000_000, 1_000_000), once=True, judged_when_quick=False,
        notes=(("events (a tenth as many channels)", "published", ""),
               *((f"after {percent} %", f"pss_mb.{percent}", "MB PSS") for percent in range(10, 101, 10)),
               ("index behind at the end", "lag.index", "s"),
               ("state directory", "state_gb", "GB")), full=True),
    Row("compress", "An event of 2 KB to 200 SSE clients, as gzip", "2000.ratio", "of the bytes as text", ("herald",), (),
        None, (), compression.measure, repeats=((4, 100), (2, 50)),
        series=("bytes of an event", "bytes on the wire", (("text", "text"), ("gzip", "gzip"))),
        notes=tuple((f"{label}, {size:,} bytes", f"{size}.{path}", unit)
                    for size in compression.SIZES
                    for label, path, unit in (("as text", "bytes_text", "bytes"), ("as gzip", "bytes_gzip", "bytes"),
                                              ("CPU as text", "cpu_text", "us/delivery"),
                                              ("CPU as gzip", "cpu_gzip", "us/delivery"))), full=True),
    Row("token-cached", "Checking a token that the worker knows", "cached", "CPU us", ("herald",), (), None,
        (Goal("herald", None, "<=", 2),), tokens.cost, repeats=((100, 200), (40, 100)),
        notes=(("HS256, new (target: 10)", "hs256", "us"), ("RS256, new (target: 30)", "rs256", "us"),
               ("RSA by `openssl speed`", "rs256_openssl", "us"), ("ES256, new (target: 75)", "es256", "us"),
               ("ECDSA by `openssl speed`", "es256_openssl", "us"))),
    Row("token-crowd", "Connects with a token each", "connected", "streams", ("herald",), (), None, (), tokens.crowd,
        repeats=((50_000, 5000), (5000, 2500)), once=True, full=True),
)

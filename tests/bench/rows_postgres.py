"""The rows of the PostgreSQL projection."""

import postgres
from row import Goal, Row

POSTGRES = (
    Row("ingest-postgres", "Ingest with a row in PostgreSQL for each event, over ingest without", "ratio", "x",
        ("herald",), (), (10, 4), (Goal("herald", None, ">=", 0.85),), postgres.ingest,
        notes=(("without", "without", "events/s"), ("with", "with", "events/s"),
               ("PostgreSQL behind at the end", "lag", "s"),
               ("rows a second until it has all", "rows_per_second", "rows/s")), full=True),
    Row("postgres-outage", "Rows lost while PostgreSQL is stopped at 5,000 events a second", "missing_in_postgres", "rows",
        ("herald",), ("--rate", "5000"), None,
        (Goal("herald", None, "<=", 0),
         Goal("herald", None, "<=", 256, figure="peak_rss_mb", label="the sidecar's peak RSS, MB")),
        postgres.outage, repeats=(600, 20), once=True,
        notes=(("stopped for", "seconds_away", "s"), ("events meanwhile", "published", ""),
               ("until all rows were there", "catch_up_seconds", "s"),
               ("rows a second meanwhile", "caught_up_per_second", "rows/s"),
               ("state directory", "state_gb", "GB")), full=True),
)

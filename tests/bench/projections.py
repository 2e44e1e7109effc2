"""What all that follows the journal costs ingest together: views, a table in PostgreSQL and a webhook, beside index and
nothing else."""

import durability
import webhooks
from postgres import FEED, postgres, wait_for_rows

TURNS = (False, True, True, False)  # with them or without, so that a slower hour is everybody's


def ingest(row, name, build, quick):
    """As many events of jobs as the sidecar takes. Whatever follows has to get to all of them in the end."""
    duration = ("--seconds", row.seconds[quick], *row.load)
    turns = [take_in(build, duration, with_all) for with_all in TURNS]
    mean = lambda kind: sum(run["events_per_second"] for run, with_all in zip(turns, TURNS) if with_all == kind) / 2
    return {"ratio": mean(True) / mean(False), "without": mean(False), "with": mean(True),
            "lag": max(run.get("lag", 0) for run in turns), "runs": turns}


def take_in(build, duration, with_all):
    with durability.temporary_redis(durability.BOTH_CORES) as (directory, redis_port):
        if not with_all:
            return measure(build, directory, redis_port, duration)
        key = directory / "key"
        key.write_text("a key of the benchmark alone\n")
        with postgres(directory) as database, webhooks.receiver() as port:
            return measure(build, directory, redis_port, duration, database, f"""\
{FEED}event = "event"
[[feed.webhook]]
url = "http://127.0.0.1:{port}/"
secret = "file:{key}"
""")


def measure(build, directory, redis_port, duration, database=None, feed=""):
    tables = '[journal]\nmax_size = "16G"\n'
    if database:
        tables += f'{durability.ALL_IN_VIEW}[postgres]\nurl = "{database.url}"\n'
    with durability.servers.sidecar(directory, build, redis_port, ring="64M", tables=tables, feed=feed,
                                    on=durability.BOTH_CORES) as child:
        run = durability.produce(build, redis_port, ("--ring", directory / "herald.sock"), *duration,
                                 "--subject-pid", child.pid)
        if database:
            rows, run["lag"] = wait_for_rows(database, run["published"], run["finished"])
            if rows != run["published"]:
                raise durability.BenchError(f"{rows} rows of {run['published']} events are in PostgreSQL")
        return run

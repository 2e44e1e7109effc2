"""The scenarios of the PostgreSQL projection: what it costs ingest, and what an outage of the server costs.

The server stands for one on another machine: it gets what the others leave of the cores (nice 19), and does not wait for the
disk. It refuses to run as root, so root runs it as the user that Debian's package makes.
"""

import os
import pwd
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import durability
import servers
import verify
from processes import BOTH_CORES, BenchError, free_port, tail, wait_until

FEED = 'table = "bench"\ncolumns = { n = "n", channel = "$channel", event = "$data" }\nunique = "n"\n'
CATCH_UP_SECONDS = 1800


class Postgres:
    """A server in a directory of its own; it runs between start() and stop()."""

    def __init__(self, directory):
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        if not programs:
            raise BenchError("no PostgreSQL server (postgresql)")
        self.bin = programs[-1].parent
        self.directory = directory / "postgres"
        self.log = directory / "postgres.log"
        self.port = free_port()
        self.child = None
        self.directory.mkdir()
        self.user = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
            for parent in (directory, *directory.parents):
                if parent == Path(os.environ.get("TMPDIR", "/tmp")) or parent == Path("/"):
                    break
                parent.chmod(parent.stat().st_mode | 0o011)  # so that it gets there
            self.user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
        self.run("initdb", "-D", self.directory / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C",
                 "--no-sync")

    @property
    def url(self):
        return f"host={self.directory} port={self.port} user=postgres dbname=postgres"

    def run(self, program, *arguments):
        done = subprocess.run([*self.user, self.bin / program, *map(str, arguments)], capture_output=True, text=True,
                              cwd=self.directory)
        if done.returncode != 0:
            raise BenchError(f"{program}: {done.stderr.strip()}")
        return done.stdout.strip()

    def sql(self, text):
        return self.run("psql", "-qAtX", "-h", self.directory, "-p", self.port, "-U", "postgres", "-c", text)

    def start(self):
        settings = ("listen_addresses=", f"unix_socket_directories={self.directory}", "fsync=off",
                    "max_wal_size=4GB")
        command = ["nice", "-n", "19", *self.user, self.bin / "postgres", "-D", self.directory / "data", "-p", self.port,
                   *(word for setting in settings for word in ("-c", setting))]
        with open(self.log, "ab") as output:
            self.child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output,
                                          stderr=output, cwd=self.directory, start_new_session=True,
                                          preexec_fn=servers_cores)
        wait_until(self.answers, [self.child], "postgres", self.log)

    def answers(self):
        try:
            return self.sql("SELECT 1") == "1"
        except BenchError:
            return False

    def stop(self):
        if self.child is None:
            return
        self.child.send_signal(2)  # fast: open sessions are ended
        try:
            self.child.wait(60)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child = None


def servers_cores():
    os.sched_setaffinity(0, BOTH_CORES)


@contextmanager
def postgres(directory):
    """A running server with the table of FEED."""
    server = Postgres(directory)
    try:
        server.start()
        server.sql("CREATE TABLE bench (n int PRIMARY KEY, channel text, event json)")
        yield server
    finally:
        server.stop()


@contextmanager
def sidecar(directory, build, redis_port, database=None):
    tables = '[journal]\nmax_size = "16G"\n'
    if database:
        tables += f'[postgres]\nurl = "{database.url}"\n'
    with servers.sidecar(directory, build, redis_port, ring="64M", tables=tables, feed=FEED if database else "",
                         on=BOTH_CORES) as child:
        yield child


def wait_for_rows(database, published, since):
    """Seconds from `since` until the table has as many rows as were published."""
    while True:
        rows = int(database.sql("SELECT count(*) FROM bench"))
        seconds = time.monotonic() - since
        if rows >= published:
            return rows, seconds
        if seconds > CATCH_UP_SECONDS:
            return rows, seconds
        time.sleep(0.5)


def account(database, published):
    """What is in the table that should not be, and what is not that should."""
    first = verify.FIRST_NUMBER
    good = int(database.sql(f"SELECT count(*) FROM bench WHERE n BETWEEN {first} AND {first + published - 1}"
                            " AND (event->>'n')::int = n"))
    rows = int(database.sql("SELECT count(*) FROM bench"))
    return {"rows": rows, "missing_in_postgres": published - good, "foreign": rows - good}


def take_in(build, duration, with_database):
    with durability.temporary_redis(BOTH_CORES) as (directory, redis_port):
        if not with_database:
            with sidecar(directory, build, redis_port) as child:
                return durability.produce(build, redis_port, ("--ring", directory / "herald.sock"), *duration,
                                          "--subject-pid", child.pid)
        with postgres(directory) as database, sidecar(directory, build, redis_port, database) as child:
            run = durability.produce(build, redis_port, ("--ring", directory / "herald.sock"), *duration,
                                     "--subject-pid", child.pid)
            _, run["lag"] = wait_for_rows(database, run["published"], run["finished"])
            run["rows_per_second"] = run["published"] / (run["seconds"] + run["lag"])
            run.update(account(database, run["published"]))
            return run


def ingest(row, name, build, quick):
    """As many events as the sidecar takes, without a table and with one, in turns."""
    duration = ("--seconds", row.seconds[quick], *row.load)
    turns = [take_in(build, duration, with_database) for with_database in (False, True, True, False)]
    without = sum(run["events_per_second"] for run in (turns[0], turns[3])) / 2
    within = sum(run["events_per_second"] for run in turns[1:3]) / 2
    return {"ratio": within / without, "without": without, "with": within,
            **{key: max(run[key] for run in turns[1:3]) for key in ("lag", "missing_in_postgres", "foreign")},
            "rows_per_second": min(run["rows_per_second"] for run in turns[1:3]), "runs": turns}


def outage(row, name, build, quick):
    """The server is stopped while events come; then it is back. HERALD_OUTAGE_SECONDS says for how long."""
    seconds = int(os.environ.get("HERALD_OUTAGE_SECONDS", row.repeats[quick]))
    with durability.temporary_redis(BOTH_CORES) as (directory, redis_port), postgres(directory) as database, \
            sidecar(directory, build, redis_port, database) as child:
        wait_until(lambda: database.sql("SELECT count(*) FROM pg_tables WHERE tablename = 'herald_checkpoints'") == "1",
                   [child], "the sidecar's table", directory / "herald.log")
        database.stop()
        run = durability.produce(build, redis_port, ("--ring", directory / "herald.sock"), *row.load,
                                 "--seconds", seconds, "--subject-pid", child.pid)
        before = peak_rss(child.pid)
        database.start()
        _, caught_up = wait_for_rows(database, run["published"], time.monotonic())
        run.update(account(database, run["published"]))
        run.update(seconds_away=seconds, peak_rss_mb=peak_rss(child.pid) / 1e6, peak_rss_away_mb=before / 1e6,
                   catch_up_seconds=caught_up, caught_up_per_second=run["published"] / caught_up,
                   state_gb=verify.bytes_below(directory / "state") / 1e9)
        if "ERROR projection fails" not in (directory / "herald.log").read_text():
            raise BenchError(f"the sidecar has not noticed the outage:\n{tail(directory / 'herald.log')}")
        return run


def peak_rss(pid):
    """Bytes; the ring, which is shared memory, is part of it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise BenchError("no VmHWM")

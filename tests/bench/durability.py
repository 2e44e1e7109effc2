"""The scenarios of durability: what the journal and its projections cost, and what they give back how fast. Each
returns the figures of one run; rows.py says what should come out, README.md what it means.
"""

import fcntl
import http.client
import json
import os
import secrets
import statistics
import struct
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import servers
import verify
from servers import BenchError, BOTH_CORES, OTHER_CORE

PRODUCE_TIMEOUT_SECONDS = 1800
LOAD_TIMEOUT_SECONDS = 90

ALL_IN_VIEW = "".join(f'[[view]]\nname = "{name}"\nkind = "jobs"\nchannels = "bench:{{id}}"\n' for name in ("a", "b"))


# ext4 without a journal gives no inode out again for minutes after it was deleted, and passes over all such inodes
# anew for every file that is made near them: where a hundred thousand files have just been deleted, making one takes
# 600 us and not 25. So nothing that a run has made is deleted before all is measured (`used_files`), and every run's
# files are put elsewhere on the disk than the last one's, which may be that of an earlier benchmark.
used_files = ExitStack()


@contextmanager
def temporary_redis(on):
    """(a temporary directory, the port of a Redis in it)"""
    with tempfile.TemporaryDirectory(prefix="herald-bench-") as name:
        spread_subdirectories(name)
        directory = Path(name) / secrets.token_hex(4)
        directory.mkdir()
        with servers.redis(directory, on) as redis_port:
            yield directory, redis_port


def spread_subdirectories(directory):
    """Asks ext4 to put each directory that is made in this one into a part of the disk of its own; other file
    systems may refuse."""
    get_flags, set_flags, topdir = 0x80086601, 0x40086602, 0x00020000  # linux/fs.h
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flags = struct.unpack("l", fcntl.ioctl(fd, get_flags, bytes(struct.calcsize("l"))))[0]
        fcntl.ioctl(fd, set_flags, struct.pack("l", flags | topdir))
    except OSError:
        pass
    finally:
        os.close(fd)


def keep_until_the_end(files):
    """Moves a directory to where it is in nobody's way."""
    attic = used_files.enter_context(tempfile.TemporaryDirectory(prefix="herald-bench-"))
    os.rename(files, f"{attic}/files")


def produce(build, redis_port, subscriber, *arguments, on=BOTH_CORES):
    return servers.run_json([build / "bench/herald_bench_produce", "--redis", redis_port, *subscriber, *arguments], on,
                    PRODUCE_TIMEOUT_SECONDS)


def ingest(row, name, build, quick):
    """As many events as the subscriber takes, ten for each channel. Everything may use both cores."""
    return take_in(row, name, build, quick, feed='jsonl = "runs/{id}.jsonl"')


def ingest_without_files(row, name, build, quick):
    """The same with journal and index alone."""
    return take_in(row, name, build, quick)


def take_in(row, name, build, quick, feed=""):
    duration = ("--seconds", row.seconds[quick], *row.load)
    with temporary_redis(BOTH_CORES) as (directory, redis_port):
        if name == "bare":
            with servers.bare_subscriber(directory, build, redis_port, BOTH_CORES) as (child, count):
                return produce(build, redis_port, ("--count", count), *duration, "--subject-pid", child.pid)

        state = directory / "state"
        tables = '[journal]\nmax_size = "16G"\n' + (ALL_IN_VIEW if name == "herald+views" else "")
        with servers.sidecar(directory, build, redis_port, ring="64M", tables=tables, feed=feed, on=BOTH_CORES) as child:
            run = produce(build, redis_port, ("--ring", directory / "herald.sock"), *duration,
                          "--subject-pid", child.pid)
            run["lag"] = verify.lags(state, run, with_jsonl=bool(feed))
            run["longest_lag"] = max(run["lag"].values())
            run["events_per_second_kept"] = run["published"] / (run["seconds"] + run["longest_lag"])
        run.update(verify.account(state, run["published"], with_jsonl=bool(feed)))
        if feed:
            keep_until_the_end(state / "runs")
        return run


def ingest_ring(row, name, build, quick):
    """The same into the ring alone: nothing is kept, so there is nothing to account for but the ring's counters."""
    if name == "bare":
        return ingest(row, name, build, quick)
    with temporary_redis(BOTH_CORES) as (directory, redis_port):
        with servers.sidecar(directory, build, redis_port, ring="64M", on=BOTH_CORES,
                             program="bench/herald_bench_unjournaled") as child:
            return produce(build, redis_port, ("--ring", directory / "herald.sock"), "--seconds", row.seconds[quick],
                           "--subject-pid", child.pid)


@contextmanager
def server_with_history(build, channel, events, filler):
    """Herald with `events` events on bench:`channel`, and `filler` later ones on other channels, so that they are
    no longer in its ring of 1 MB. Yields the server, and the id of the event before them."""
    with ExitStack() as stack:
        directory, redis_port = stack.enter_context(temporary_redis(OTHER_CORE))
        child = stack.enter_context(servers.sidecar(directory, build, redis_port, ring="1M"))
        server = stack.enter_context(servers.nginx(directory, build, redis_port, child, """\
location ~ ^/history/(\\w+)$ { herald_history bench:$1; }
        location = /status { herald_status; }"""))

        ring = ("--ring", directory / "herald.sock")
        before = status(server)["last_id"]
        last = produce(build, redis_port, ring, "--events", events, "--channel", channel, on=OTHER_CORE)
        produce(build, redis_port, ring, "--events", filler, on=OTHER_CORE)
        oldest = status(server)["ring"]["oldest_id"]
        if int(oldest.split("-")[1]) <= last["last_seq"]:
            raise BenchError(f"the ring still has what should be older than it ({oldest})")
        yield server, before


def status(server):
    """What herald_status says of the sidecar."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", "/status")
    return json.loads(connection.getresponse().read())["sidecar"]


def resume(row, name, build, quick):
    """Clients that resume from before 10,000 events which the ring no longer has."""
    events = 10_000
    with server_with_history(build, "old", events, filler=20_000) as (server, before):
        command = [build / "bench/herald_bench_load", *row.load, *server.load_args(False), "--path", "/s/old",
                   "--resume", before, "--events", events]
        run_once = lambda: servers.run_json(command, OTHER_CORE, LOAD_TIMEOUT_SECONDS)
        run_once()  # waits until the index is there
        runs = [run_once() for _ in range(row.repeats[quick])]
    figures = {key: statistics.median(run[key] for run in runs) for key in
               ("events_per_second", "seconds", "server_cpu_us_per_event", "sidecar_cpu_us_per_event")}
    faults = {key: sum(run[key] for run in runs) for key in
              ("lost", "duplicated", "out_of_order", "foreign", "closed")}
    return {**figures, **faults, "runs": runs}


def history(row, name, build, quick):
    """Polls of 100 events of a channel whose past is in the index alone, on one connection."""
    events, each = 1000, 100
    polls = row.repeats[quick]
    with server_with_history(build, "old", events, filler=20_000) as (server, _):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        pids = [*with_children(server.pids), *server.sidecar_pids]
        newest = Poller(connection, f"/history/old?limit={each}", range(events - each, events))
        log, last = newest.last_id.split("-")
        after = Poller(connection, f"/history/old?limit={each}&after={log}-{int(last) - events // 2}",
                       range(events // 2, events // 2 + each))
        run = {"polls": polls}
        for key, poll in (("ms_per_poll", newest.poll), ("ms_per_poll_after", after.poll),
                          ("ms_per_poll_304", newest.poll_unchanged)):
            poll()
            before = cpu_seconds(pids)
            for _ in range(polls):
                poll()
            run[key] = (cpu_seconds(pids) - before) * 1e3 / polls
        return run


class Poller:
    """One polling client. Raises where an answer is not what it should be."""

    def __init__(self, connection, url, numbers):
        self.connection, self.url = connection, url
        self.expected = [verify.FIRST_NUMBER + number for number in numbers]
        self.body = self.etag = self.last_id = None
        self.poll()

    def request(self, headers=None):
        self.connection.request("GET", self.url, headers=headers or {})
        response = self.connection.getresponse()
        return response, response.read()

    def poll(self):
        response, body = self.request()
        self.etag = response.getheader("ETag")
        if response.status != 200:
            raise BenchError(f"{self.url} was answered with {response.status}: {body[:200]!r}")
        # `timestamp` differs from answer to answer; the events are the same, so compare their bytes.
        events = body[:body.rindex(b"]")]
        if self.body is None:
            if [event["n"] for event in json.loads(body)["events"]] != self.expected:
                raise BenchError(f"{self.url} was answered with the wrong events")
            self.body = events
            self.last_id = json.loads(body)["last_event_id"]
        elif events != self.body:
            raise BenchError(f"{self.url} was answered with other events than before")

    def poll_unchanged(self):
        response, _ = self.request({"If-None-Match": self.etag})
        if response.status != 304:
            raise BenchError(f"{self.url} with If-None-Match was answered with {response.status}")


def with_children(pids):
    """nginx's master and its workers."""
    found = list(pids)
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def cpu_seconds(pids):
    """CPU time of all threads, user and system; exact, where /proc/PID/stat counts ticks."""
    return sum(int((task / "schedstat").read_text().split()[0]) / 1e9
               for pid in pids for task in Path(f"/proc/{pid}/task").iterdir())


def memory(row, name, build, quick):
    """The sidecar's memory while events for very many channels go through."""
    with temporary_redis(BOTH_CORES) as (directory, redis_port):
        state = directory / "state"
        with servers.sidecar(directory, build, redis_port, ring="16M", on=BOTH_CORES) as child:
            run = produce(build, redis_port, ("--ring", directory / "herald.sock"),
                          "--events", row.repeats[quick], "--subject-pid", child.pid)
            run["lag"] = verify.lags(state, run, with_jsonl=False)
            run["state_gb"] = verify.bytes_below(state) / 1e9
            run["missing_in_index"] = run["published"] - verify.count_index(state)
        pss = [sample["pss"] for sample in run["memory"]]
        run["pss_mb"] = {str(10 * (i + 1)): value / 1e6 for i, value in enumerate(pss)}
        run["growth"] = pss[-1] / pss[1]
        return run

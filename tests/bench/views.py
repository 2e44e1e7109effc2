"""Views: what a GET costs with much in view. What they cost the rate of events is durability.take_in's affair."""

import http.client
import json
import time

import servers
from durability import cpu_seconds, temporary_redis, with_children
from growth import Witness
from servers import OTHER_CORE, BenchError

RECORDS = 100_000  # jobs, and as many runs
READY_SECONDS = 60

TABLES = """
[[view]]
name = "jobs"
kind = "jobs"
channels = "bench:render"
[[view]]
name = "ingest"
kind = "runs"
channels = "bench:ingest"
"""
LOCATIONS = """\
location = /jobs { herald_view jobs; }
        location = /ingest { herald_view ingest; }"""


def job(number):
    return json.dumps({"event": "job.created", "job": {
        "job_id": f"job-{number}", "status": ("queued", "running", "completed")[number % 3], "farm": f"farm-{number % 5}",
        "farm_type": "stub", "message": None}})


def run(number):
    moment = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(1_700_000_000 + number))
    return json.dumps({"event": "run.created", "run": {
        "id": f"run-{number}", "started_at": moment, "completed_at": moment, "status": "completed",
        "report": {"processed": [], "invalid": [], "processed_count": 3, "invalid_count": number % 2}}})


def get_cost(row, name, build, quick):
    """CPU of nginx and sidecar for a GET on one connection, of each view and where nothing is new."""
    requests = row.repeats[quick]
    with temporary_redis(OTHER_CORE) as (directory, redis_port), \
            servers.sidecar(directory, build, redis_port, tables=TABLES) as child, \
            servers.nginx(directory, build, redis_port, child, LOCATIONS) as server:
        witness = Witness(server.port, redis_port)
        for channel, event in (("bench:render", job), ("bench:ingest", run)):
            publish(witness, channel.encode(), (event(number).encode() for number in range(RECORDS)))
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        await_jobs(connection)
        pids = [*with_children(server.pids), *server.sidecar_pids]
        figures = {"records": RECORDS}
        for key, path, unchanged in (("ms_per_get", "/jobs", False), ("ms_per_get_runs", "/ingest", False),
                                     ("ms_per_get_304", "/jobs", True)):
            etag = get(connection, path, {}, 200)
            headers = {"If-None-Match": etag} if unchanged else {}
            before = cpu_seconds(pids)
            for _ in range(requests):
                get(connection, path, headers, 304 if unchanged else 200)
            figures[key] = (cpu_seconds(pids) - before) * 1e3 / requests
        return figures


def publish(witness, channel, events):
    """Publishes each of these, a thousand at a time, and waits until Redis has taken them."""
    batch = []
    for event in events:
        batch.append(b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(channel), channel, len(event), event))
        if len(batch) == 1000:
            exchange(witness.redis, batch)
            batch.clear()
    exchange(witness.redis, batch)


def exchange(redis, batch):
    redis.sendall(b"".join(batch))
    replies = 0
    while replies < len(batch):
        part = redis.recv(65536)
        if not part:
            raise BenchError("Redis closed the connection")
        replies += part.count(b"\n")


def await_jobs(connection):
    """Until everything is in view: runs are published after the jobs, and the views follow one journal."""
    deadline = time.monotonic() + READY_SECONDS
    newest = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(1_700_000_000 + RECORDS - 2))
    while time.monotonic() < deadline:
        connection.request("GET", "/ingest")
        ingest = json.loads(connection.getresponse().read())
        connection.request("GET", "/jobs")
        jobs = json.loads(connection.getresponse().read())
        if jobs.get("jobs") == RECORDS and ingest.get("last_success_at") == newest:
            return
        time.sleep(0.05)
    raise BenchError(f"the views are {jobs} and {ingest} after {READY_SECONDS} s")


def get(connection, path, headers, status):
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.read()
    if response.status != status:
        raise BenchError(f"{path} was answered with {response.status}, not {status}")
    return response.getheader("ETag")

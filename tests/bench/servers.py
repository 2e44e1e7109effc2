"""The processes of a benchmark: Redis, and the servers that are compared.

Every server is started afresh for every measurement, in a directory of its own, on a free port of 127.0.0.1, and
stopped when its `with` block ends, however it ends. Where nothing else is said, servers run on one core, everything
else on the other.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

NCHAN_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
READY_SECONDS = 20
STOP_SECONDS = 15  # a sidecar finishes what its projections have begun

# With these a connection's request fits its first blocks; both nginx modules get the same.
POOLS = "connection_pool_size 384; request_pool_size 5632;"


class BenchError(Exception):
    """Something could not be started or measured; the message says what."""


@dataclass
class Server:
    """A running server, as the load generator needs to know it."""

    port: int
    pids: list
    publish_args: list
    sidecar_pids: list = field(default_factory=list)

    def load_args(self, publishes):
        args = ["--port", str(self.port), *(self.publish_args if publishes else [])]
        for pid in self.pids:
            args += ["--server-pid", str(pid)]
        for pid in self.sidecar_pids:
            args += ["--sidecar-pid", str(pid)]
        return args


def cores():
    """(core of the server, core of everything else), as sets; the same when there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return {allowed[0]}, {allowed[min(1, len(allowed) - 1)]}


SERVER_CORE, OTHER_CORE = cores()
BOTH_CORES = SERVER_CORE | OTHER_CORE


def on_cores(of_machine):
    """What a child does before exec: stay on these cores, and go when we go, even if we are killed."""
    libc = ctypes.CDLL(None)

    def prepare():
        os.sched_setaffinity(0, of_machine)
        libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG

    return prepare


@contextmanager
def process(command, on, log):
    """Runs `command` on these cores, in a session of its own so that Ctrl-C reaches us alone, and ends it."""
    with open(log, "ab") as output:
        child = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, preexec_fn=on_cores(on))
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def run_json(command, on, timeout):
    """Runs one of the benchmark's programs on these cores; the JSON that it prints."""
    command = [str(word) for word in command]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=timeout, preexec_fn=on_cores(on))
    except subprocess.TimeoutExpired:
        raise BenchError(f"{command[0]} was not done after {timeout} s") from None
    if result.returncode != 0:
        raise BenchError(result.stderr.strip())
    return json.loads(result.stdout)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, children, what, log):
    """Waits until `condition()` holds; fails at once when a child has ended."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        for child in children:
            if child.poll() is not None:
                raise BenchError(f"{what} ended while starting:\n{tail(log)}")
        if condition():
            return
        time.sleep(0.02)
    raise BenchError(f"{what} was not ready after {READY_SECONDS} s:\n{tail(log)}")


def tail(log):
    return "".join(Path(log).read_text(errors="replace").splitlines(keepends=True)[-15:])


def exchange(port, request, answer_size=4096):
    """One request, one answer on a fresh connection; empty when nobody is there."""
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            connection.sendall(request)
            return connection.recv(answer_size)
    except OSError:
        return b""


def is_delivering(port, publish_once):
    """Subscribes to channel 0, publishes, and tells whether the event arrived."""
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as subscriber:
            subscriber.sendall(b"GET /s/0 HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n")
            received = b""
            while b"\r\n\r\n" not in received:
                received += subscriber.recv(4096) or b"\r\n\r\n"
            if not received.startswith(b"HTTP/1.1 200"):
                return False
            subscriber.settimeout(0.3)
            publish_once()
            while b'{"ready":true}' not in received:
                received += (part := subscriber.recv(4096))
                if not part:
                    return False
            return True
    except OSError:
        return False


@contextmanager
def redis(directory, on=OTHER_CORE):
    """A Redis without persistence, which drops no subscriber for being late; yields its port."""
    port = free_port()
    log = directory / "redis.log"
    command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
               "--client-output-buffer-limit", "pubsub", "0", "0", "0", "--dir", directory]
    with process(command, on, log) as child:
        # Its own word for it: somebody else's Redis on that port must not be used.
        ours = b"process_id:%d\r" % child.pid
        wait_until(lambda: ours in exchange(port, b"INFO server\r\n"), [child], "redis-server", log)
        yield port


def is_subscribed(redis_port):
    return exchange(redis_port, b"PUBSUB NUMPAT\r\n").startswith(b":1")


def redis_publisher(redis_port):
    return lambda: exchange(redis_port, b"*3\r\n$7\r\nPUBLISH\r\n$7\r\nbench:0\r\n$14\r\n{\"ready\":true}\r\n")


@contextmanager
def floor(directory, build, redis_port, mode):
    port = free_port()
    log = directory / "floor.log"
    command = [build / "bench/herald_bench_floor", "--port", port, "--redis", redis_port, "--mode", mode]
    with process(command, SERVER_CORE, log) as child:
        publish = redis_publisher(redis_port)
        wait_until(lambda: is_delivering(port, publish), [child], "the floor", log)
        yield Server(port, [child.pid], ["--redis", str(redis_port)])


def nginx_conf(directory, module, http):
    """A complete configuration with one worker; everything it writes is in `directory`."""
    temporary = "\n".join(f"    {name}_temp_path {directory}/{name};"
                          for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    path = directory / "nginx.conf"
    path.write_text(f"""\
load_module {module};
{"user root;" if os.geteuid() == 0 else ""}
worker_processes 1;
daemon off;
pid {directory}/nginx.pid;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    {POOLS}
{temporary}
{http}
}}
""")
    return path


def nginx_command(directory, conf, log):
    return ["nginx", "-p", directory, "-e", log, "-c", conf, "-g", f"error_log {log} warn;"]


@contextmanager
def nchan(directory):
    port = free_port()
    log = directory / "nginx.log"
    conf = nginx_conf(directory, NCHAN_MODULE, f"""\
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location ~ ^/s/(\\d+)$ {{
            nchan_subscriber eventsource websocket;
            nchan_subscriber_first_message newest;
            nchan_channel_id bench:$1;
        }}
        location ~ ^/p/(\\d+)$ {{
            nchan_publisher http;
            nchan_channel_id bench:$1;
        }}
    }}""")
    request = (b"POST /p/0 HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Length: 14\r\n\r\n"
               b'{"ready":true}')
    with process(nginx_command(directory, conf, log), SERVER_CORE, log) as child:
        publish = lambda: exchange(port, request)
        wait_until(lambda: is_delivering(port, publish), [child], "nginx with nchan", log)
        yield Server(port, [child.pid], ["--post-port", str(port)])


@contextmanager
def sidecar(directory, build, redis_port, ring="256M", tables="", feed="", on=OTHER_CORE, program="herald"):
    """A sidecar that has subscribed; its state is in `directory`/state. `tables` and `feed` are more lines of its
    herald.toml."""
    log = directory / "herald.log"
    toml = directory / "herald.toml"
    toml.write_text(f"""\
[sidecar]
socket = "{directory}/herald.sock"
state  = "{directory}/state"

[redis]
url = "redis://127.0.0.1:{redis_port}/0"

[ring]
size = "{ring}"
{tables}
[[feed]]
name     = "bench"
channels = "bench:{{id}}"
{feed}
""")
    with process([build / program, "sidecar", "-c", toml], on, log) as child:
        wait_until(lambda: is_subscribed(redis_port), [child], "the sidecar", log)
        yield child


@contextmanager
def nginx(directory, build, redis_port, sidecar_child, locations="", http=""):
    """nginx with Herald's module, beside a running sidecar, once an event has come through. `locations` and `http` are
    more of its configuration."""
    port = free_port()
    log = directory / "nginx.log"
    conf = nginx_conf(directory, build / "ngx_http_herald_module.so", f"""\
    herald_sidecar unix:{directory}/herald.sock;{http}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location ~ ^/s/(\\w+)$ {{ herald_subscribe bench:$1; }}
        {locations}
    }}""")
    with process(nginx_command(directory, conf, log), SERVER_CORE, log) as child:
        publish = redis_publisher(redis_port)
        wait_until(lambda: is_delivering(port, publish), [sidecar_child, child], "Herald", log)
        yield Server(port, [child.pid], ["--redis", str(redis_port)], [sidecar_child.pid])


@contextmanager
def herald(directory, build, redis_port):
    with sidecar(directory, build, redis_port) as child, nginx(directory, build, redis_port, child) as server:
        yield server


@contextmanager
def bare_subscriber(directory, build, redis_port, on):
    """herald_bench_discard, once it has subscribed; yields the process and the file in which it counts."""
    log = directory / "discard.log"
    count = directory / "count"
    with process([build / "bench/herald_bench_discard", redis_port, count], on, log) as child:
        wait_until(lambda: is_subscribed(redis_port), [child], "herald_bench_discard", log)
        yield child, count

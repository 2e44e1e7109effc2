"""The servers that are compared, Herald among them, and Redis.

Every server is started afresh for every measurement, in a directory of its own, on a free port of 127.0.0.1, and
stopped when its `with` block ends, however it ends. Where nothing else is said, servers run on one core, everything
else on the other.
"""

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from processes import (BOTH_CORES, OTHER_CORE, SERVER_CORE, BenchError, exchange, free_port, is_delivering, process,
                       run_json, wait_until)
from variants import VARIANTS, listening

PEERS = Path(__file__).parent / "peers"
NCHAN_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")

# With these a connection's request fits its first blocks; both nginx modules get the same.
POOLS = "connection_pool_size 384; request_pool_size 5632;"

PLAIN = VARIANTS[""]


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
def floor(directory, build, redis_port, mode, channels=1):
    port = free_port()
    log = directory / "floor.log"
    command = [build / "bench/herald_bench_floor", "--port", port, "--redis", redis_port, "--mode", mode,
               "--channels", channels]
    with process(command, SERVER_CORE, log) as child:
        publish = redis_publisher(redis_port)
        wait_until(lambda: is_delivering(port, publish), [child], "the floor", log)
        yield Server(port, [child.pid], ["--redis", str(redis_port)])


def nginx_conf(directory, module, http, variant=PLAIN):
    """A complete configuration; everything it writes is in `directory`."""
    temporary = "\n".join(f"    {name}_temp_path {directory}/{name};"
                          for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    path = directory / "nginx.conf"
    path.write_text(f"""\
load_module {module};
{"user root;" if os.geteuid() == 0 else ""}
worker_processes {variant.workers};
daemon off;
pid {directory}/nginx.pid;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    {POOLS if variant.pools else ""}
    {variant.http}
{temporary}
{http}
}}
""")
    return path


def nginx_command(directory, conf, log):
    return ["nginx", "-p", directory, "-e", log, "-c", conf, "-g", f"error_log {log} warn;"]


@contextmanager
def nchan(directory, variant=PLAIN):
    port, plain = ports(variant)
    log = directory / "nginx.log"
    conf = nginx_conf(directory, NCHAN_MODULE, f"""\
    server {{
        {listening(variant, directory, port, plain)}
        location ~ ^/s/(\\d+)$ {{
            nchan_subscriber eventsource websocket;
            nchan_subscriber_first_message newest;
            nchan_channel_id bench:$1;
        }}
        location ~ ^/p/(\\d+)$ {{
            nchan_publisher http;
            nchan_channel_id bench:$1;
        }}
    }}""", variant)
    request = (b"POST /p/0 HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Length: 14\r\n\r\n"
               b'{"ready":true}')
    with process(nginx_command(directory, conf, log), SERVER_CORE, log) as child:
        publish = lambda: exchange(plain, request)
        wait_until(lambda: is_delivering(plain, publish), [child], "nginx with nchan", log)
        yield Server(port, [child.pid], ["--post-port", str(plain)])


def ports(variant):
    """(where subscribers connect, where the same server speaks plain HTTP/1)"""
    port = free_port()
    return port, free_port() if "ssl" in variant.listen else port


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
def nginx(directory, build, redis_port, sidecar_child, locations="", http="", variant=PLAIN):
    """nginx with Herald's module, beside a running sidecar, once an event has come through. `locations` and `http` are
    more of its configuration."""
    port, plain = ports(variant)
    log = directory / "nginx.log"
    conf = nginx_conf(directory, build / "ngx_http_herald_module.so", f"""\
    herald_sidecar unix:{directory}/herald.sock;{http}
    server {{
        {listening(variant, directory, port, plain)}
        location ~ ^/s/(\\w+)$ {{ herald_subscribe bench:$1; }}
        {locations}
    }}""", variant)
    with process(nginx_command(directory, conf, log), SERVER_CORE, log) as child:
        publish = redis_publisher(redis_port)
        wait_until(lambda: is_delivering(plain, publish), [sidecar_child, child], "Herald", log)
        yield Server(port, [child.pid], ["--redis", str(redis_port)], [sidecar_child.pid])


@contextmanager
def herald(directory, build, redis_port, variant=PLAIN):
    with sidecar(directory, build, redis_port) as child, \
            nginx(directory, build, redis_port, child, variant=variant) as server:
        yield server


@contextmanager
def service(name, directory, redis_port):
    """A small service of the kind that people write, which forwards what Redis publishes (peers/)."""
    port = free_port()
    log = directory / f"{name}.log"
    command = {
        "node": ["node", PEERS / "node_service.js", port, redis_port],
        "fastapi": ["/usr/bin/python3", "-B", "-m", "uvicorn", "--app-dir", PEERS, "--host", "127.0.0.1", "--port", port,
                    "--backlog", "4096", "--ws-ping-interval", "3600",  # the load generator answers no pings
                    "--log-level", "error", "--no-access-log", "fastapi_service:app"],
    }[name]
    with process(command, SERVER_CORE, log, {"BENCH_REDIS_PORT": str(redis_port)}) as child:
        publish = redis_publisher(redis_port)
        wait_until(lambda: is_delivering(port, publish), [child], name, log)
        yield Server(port, [child.pid], ["--redis", str(redis_port)])


@contextmanager
def bare_subscriber(directory, build, redis_port, on):
    """herald_bench_discard, once it has subscribed; yields the process and the file in which it counts."""
    log = directory / "discard.log"
    count = directory / "count"
    with process([build / "bench/herald_bench_discard", redis_port, count], on, log) as child:
        wait_until(lambda: is_subscribed(redis_port), [child], "herald_bench_discard", log)
        yield child, count

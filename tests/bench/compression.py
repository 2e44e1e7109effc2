"""What herald_compress costs and saves: bytes on the wire and the worker's CPU for a delivery, by the event's size, with
and without it, to the same number of SSE subscribers.
"""

import json
import random
import select
import socket

import servers
from durability import cpu_seconds, temporary_redis, with_children
from servers import BenchError, OTHER_CORE

SUBSCRIBERS = 200
SIZES = (200, 2_000, 20_000)  # bytes of an event
LOCATIONS = """\
location = /text { herald_subscribe bench:0; }
        location = /gzip { herald_subscribe bench:0; herald_compress gzip; }"""
WORDS = [f"{verb} {noun}" for verb in ("fetched", "parsed", "matched", "stored", "skipped")
         for noun in ("component", "supplier", "datasheet", "price", "alternative", "footprint")]


def event(size, number, chance):
    """A JSON event like those of real producers: names again and again, numbers and ids hardly ever."""
    items = []
    text = ""
    while len(text) < size:
        items.append({"item": chance.randrange(10**9), "did": chance.choice(WORDS), "ms": chance.randrange(5000)})
        text = json.dumps({"type": "progress", "number": number, "items": items}, separators=(",", ":"))
    return text


def has_chunk(received):
    size, _, rest = received.partition(b"\r\n")
    return rest != b"" and len(rest) >= int(size, 16) + 2


class Subscribers:
    """SSE clients that take gzip. An event is a chunk of its own: they know when they have it without looking inside."""

    def __init__(self, port, path):
        self.poller = select.epoll()
        self.connections = {}
        for _ in range(SUBSCRIBERS):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.sendall(b"GET %s HTTP/1.1\r\nHost: bench\r\nAccept-Encoding: gzip\r\n\r\n" % path.encode())
            received = b""
            while not has_chunk(received.partition(b"\r\n\r\n")[2]):  # `retry:`
                part = connection.recv(4096)
                if not part:
                    raise BenchError(f"{path}: no stream")
                received += part
            self.connections[connection.fileno()] = connection
            self.poller.register(connection.fileno(), select.EPOLLIN)

    def take_event(self):
        """Bytes of bodies until each has a whole chunk more."""
        received = dict.fromkeys(self.connections, b"")
        missing = set(received)
        while missing:
            ready = self.poller.poll(10)
            if not ready:
                raise BenchError(f"{len(missing)} of {SUBSCRIBERS} subscribers got no event in ten seconds")
            for fd, _ in ready:
                received[fd] += self.connections[fd].recv(1 << 18)
                if has_chunk(received[fd]):
                    missing.discard(fd)
        return sum(map(len, received.values()))

    def close(self):
        for connection in self.connections.values():
            connection.close()


def publisher(redis_port):
    """A function that publishes an event."""
    connection = socket.create_connection(("127.0.0.1", redis_port))

    def publish(text):
        data = text.encode()
        connection.sendall(b"*3\r\n$7\r\nPUBLISH\r\n$7\r\nbench:0\r\n$%d\r\n%s\r\n" % (len(data), data))
        connection.recv(64)

    return publish


def deliver(nginx, publish, path, events):
    """(bytes, CPU microseconds of nginx) of each delivery, when the events come one at a time."""
    subscribers = Subscribers(nginx.port, path)
    pids = with_children(nginx.pids)
    before = cpu_seconds(pids)
    size = 0
    for text in events:
        publish(text)
        size += subscribers.take_event()
    spent = cpu_seconds(pids) - before
    subscribers.close()
    deliveries = SUBSCRIBERS * len(events)
    return size / deliveries, spent * 1e6 / deliveries


def measure(row, name, build, quick):
    """For each size: bytes and CPU of a delivery as text and as gzip, which take turns."""
    turns, each = row.repeats[quick]
    figures = {}
    with temporary_redis(OTHER_CORE) as (directory, redis_port):
        with servers.sidecar(directory, build, redis_port, ring="64M") as child, \
                servers.nginx(directory, build, redis_port, child, LOCATIONS) as nginx:
            publish = publisher(redis_port)
            for size in SIZES:
                chance = random.Random(size)
                spent = {"text": [0, 0], "gzip": [0, 0]}
                for turn in range(turns):
                    events = [event(size, turn * each + i, chance) for i in range(each)]
                    for path, sums in spent.items():
                        for i, value in enumerate(deliver(nginx, publish, "/" + path, events)):
                            sums[i] += value / turns
                figures[str(size)] = {
                    "bytes_text": spent["text"][0], "bytes_gzip": spent["gzip"][0],
                    "cpu_text": spent["text"][1], "cpu_gzip": spent["gzip"][1],
                    "ratio": spent["gzip"][0] / spent["text"][0],
                    "cpu_ratio": spent["gzip"][1] / spent["text"][1]}
    for kind in ("text", "gzip"):
        figures[kind] = {str(size): figures[str(size)][f"bytes_{kind}"] for size in SIZES}
    return figures

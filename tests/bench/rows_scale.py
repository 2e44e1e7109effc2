"""The rows of what grows: connections, subscribers, channels, workers; and the rush of clients that come back."""

import growth
import reconnect
import streams
from row import Goal, Row
from rows_live import PEERS

IDLE = ("--subscribers", "10000", "--idle")
FEWER = ("--subscribers", "2000")  # the later word counts; handshakes take time
HERALDS = ("herald", "herald+awake", "herald+default-pools", "herald+hibernate")
QUIET = (Goal("herald", "nchan", "<", 1), Goal("herald+awake", None, "<=", 8000),
         Goal("herald+hibernate", None, "<=", 1500))


def idle(name, title, servers, load, goals, full=True):
    return Row(name, title, "pss_bytes_per_connection", "bytes PSS/stream", servers, (*IDLE, *load), None, goals,
               streams.measure_beside_openssl, full=full)


SCALE = (
    idle("idle-10000", "10,000 idle SSE", ("floor A", *PEERS, *HERALDS), (), QUIET, full=False),
    idle("idle-websocket", "10,000 idle WebSocket",
         ("floor A", *PEERS, *HERALDS), ("--websocket",), QUIET),
    idle("idle-tls", "2,000 idle SSE over TLS 1.3", ("openssl", "nchan+tls", "herald+tls", "herald+tls-hibernate"),
         ("--tls", *FEWER), (Goal("herald+tls", "nchan+tls", "<", 1),
                      Goal("herald+tls-hibernate", "openssl", "<=", 2000, beyond=True),
                      Goal("herald+tls", "openssl", beyond=True))),
    idle("idle-http2", "2,000 idle SSE over HTTP/2, a connection each", ("nchan+http2", "herald+http2"),
         ("--http2", "1", *FEWER), (Goal("herald+http2", "nchan+http2", "<", 1),)),
    idle("idle-http2-100", "10,000 idle SSE over HTTP/2, 100 to a connection", ("nchan+http2", "herald+http2"),
         ("--http2", "100"), (Goal("herald+http2", "nchan+http2", "<", 1),)),
    Row("connect", "A new SSE connection, 10,000 of them", "cpu_us_per_connection", "CPU us/connection",
        ("floor A", *PEERS, "herald", "herald+default-pools"), (*IDLE, "--settle", "0.1", "--spin"), None,
        (Goal("herald", "floor A", "<=", 1.3), *(Goal(peer, "floor A") for peer in PEERS))),
    Row("reconnect", "10,000 clients come back at once, 100 events behind", "resumed_seconds", "s",
        ("herald",), (), None, (Goal("herald", None, "<=", 2, figure="ratio", label="time of as many plain connects, x"),),
        reconnect.measure, repeats=(3, 2),
        notes=(("10,000 plain connects", "plain_seconds", "s"), ("events a second", "events_per_second", "events/s"),
               ("CPU of nginx", "server_cpu_us_per_event", "us/event"),
               ("CPU of the sidecar", "sidecar_cpu_us_per_event", "us/event"))),
    Row("unsubscribed", "An event in a worker that has no subscriber of its channel", "us_per_event", "CPU us/event",
        ("herald",), (), None, (Goal("herald", None, "<=", 0.2),), growth.unsubscribed, repeats=(2_000_000, 500_000),
        full=True),
    Row("growth-subscribers", "CPU of an event by the number of its subscribers", "largest", "CPU us/event",
        ("floor A", "nchan", "herald"), (), (3, 2),
        (Goal("herald", "floor A", "<=", 1.15, figure="steepest", label="steepest step, x"),), growth.subscribers,
        series=("subscribers", "CPU us/event", "by_count"), also=(("steepest step, x", "steepest"),), full=True),
    Row("growth-channels", "Memory of a channel in the ring, with 100,000 of them", "worker_bytes", "bytes/channel, worker",
        ("herald",), (), None, (), growth.channels, repeats=((1, 10, 100, 1000, 10_000, 100_000), (1, 1000, 100_000)),
        series=("channels", "bytes of memory", (("worker", "worker_memory"), ("sidecar", "sidecar_memory"))), once=True,
        full=True,
        notes=(("in the sidecar", "sidecar_bytes", "bytes/channel"),
               ("CPU of the worker, an event", "worker_us", "us/event"),
               ("with a single channel", "worker_us_one", "us/event"),
               ("CPU of the sidecar, an event", "sidecar_us", "us/event"),
               ("with a single channel", "sidecar_us_one", "us/event"))),
)

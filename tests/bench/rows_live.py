"""The rows of live streams: saturated, paced, one event at a time, latency; over TLS and HTTP/2 too."""

from row import Goal, Row

PEERS = ("nchan", "node", "fastapi")
P99 = ("p99 ms", "latency_ms.p99")
ALONE = ("reads/delivery", "reads_per_delivery")  # 1: every event came by itself
BY_THEMSELVES = ("reads_per_delivery", 0.9)
SATURATE = ("--rate", "0", "--subscribers", "1000")
SATURATE_10000 = ("--rate", "0", "--subscribers", "10000")
ONE_1000 = ("--subscribers", "1000", "--rate", "100")
TLS = ("--subscribers", "1000", "--tls")
HTTP2_1 = ("--subscribers", "1000", "--http2", "1")
HTTP2_100 = ("--subscribers", "1000", "--http2", "100")


def saturated(name, title, load, servers, seconds, full=True):
    return Row(name, f"{title}, as fast as it goes", "deliveries_per_second", "deliveries/s", servers, load, seconds,
               (Goal("herald", "floor C", ">=", 0.9),
                *(Goal("herald", peer) for peer in PEERS if peer in servers)), full=full)


def one_at_a_time(name, title, servers, load, seconds, io_uring_limit, full=False):
    return Row(name, f"{title}, one event at a time", "cpu_us_per_delivery", "CPU us/delivery", servers, load, seconds,
               (Goal("herald", "floor A", "<=", 1.05), Goal("herald+io_uring", "floor A", "<=", io_uring_limit),
                *((Goal("floor B", "floor A"), Goal("herald+io_uring", "floor B")) if "floor B" in servers else ()),
                *(Goal(peer, "floor A") for peer in PEERS if peer in servers)), also=(P99, ALONE),
               judged_if=BY_THEMSELVES, full=full)


def encrypted(kind, load, variant, what):
    """A row of each kind with this variant of nginx; Herald in plain beside it."""
    name, title, figure, unit, more, seconds = kind
    servers = (f"nchan+{variant}", f"herald+{variant}", *(("herald+ktls",) if variant == "tls" else ()))
    return Row(f"{name}-{what[0]}", f"{title} over {what[1]}", figure, unit, servers, (*load, *more), seconds,
               (Goal(f"herald+{variant}", f"nchan+{variant}"),
                *((Goal("herald+ktls", "herald+tls"),) if variant == "tls" else ())),
               also=(P99, ALONE) if name == "one" else (), full=True)


ENCRYPTED = tuple(
    encrypted(kind, load, variant, what)
    for kind in (("one", "1,000 SSE, one event at a time, 25/s", "cpu_us_per_delivery", "CPU us/delivery",
                  ("--rate", "25"), (4, 3)),
                 ("saturated", "1,000 SSE on one channel, as fast as it goes", "deliveries_per_second", "deliveries/s",
                  ("--rate", "0"), (3, 2)))
    for load, variant, what in ((TLS, "tls", ("tls", "TLS 1.3")),
                                (HTTP2_1, "http2", ("http2", "HTTP/2, a connection each")),
                                (HTTP2_100, "http2", ("http2-100", "HTTP/2, 100 to a connection"))))

LIVE = (
    saturated("saturated-sse", "1,000 SSE on one channel", SATURATE, ("floor A", "floor C", *PEERS, "herald"), (3, 2),
              full=False),
    saturated("saturated-websocket", "1,000 WebSocket on one channel", (*SATURATE, "--websocket"),
              ("floor C", *PEERS, "herald"), (3, 2), full=False),
    saturated("saturated-sse-10000", "10,000 SSE on one channel", SATURATE_10000, ("floor C", *PEERS, "herald"), (4, 3)),
    saturated("saturated-websocket-10000", "10,000 WebSocket on one channel", (*SATURATE_10000, "--websocket"),
              ("floor C", *PEERS, "herald"), (4, 3)),
    Row("paced-1000", "1,000 events a second to 1,000 SSE: deliveries a second of a million", "deliveries_per_second",
        "deliveries/s", ("floor C", *PEERS, "herald"), ("--subscribers", "1000", "--rate", "1000"), (3, 2),
        (Goal("herald", None, ">=", 950_000),
         Goal("herald", "floor C", "<=", 1.5, figure="latency_us.p99", label="p99"), Goal("herald", "nchan")),
        also=(("share of offered", "share_of_offered"), ("median ms", "latency_ms.p50"), P99,
              ("CPU us/delivery", "cpu_us_per_delivery"))),
    one_at_a_time("one-1000", "1,000 SSE at 100/s", ("floor A", "floor B", *PEERS, "herald", "herald+io_uring"), ONE_1000,
                  (4, 3), 0.85),
    one_at_a_time("one-10000", "10,000 SSE at 2/s", ("floor A", "floor B", *PEERS, "herald", "herald+io_uring"),
                  ("--subscribers", "10000", "--rate", "2"), (5, 4), 0.95),
    one_at_a_time("channels-1000", "1,000 channels of 10 SSE at 500/s", ("floor A", *PEERS, "herald", "herald+io_uring"),
                  ("--subscribers", "10000", "--channels", "1000", "--rate", "500"), (5, 4), 0.95, full=True),
    Row("two-workers", "1,000 SSE at 100/s, one event at a time, one worker and two on the same core",
        "cpu_us_per_delivery", "CPU us/delivery", ("herald", "herald+two-workers"), ONE_1000, (4, 3),
        (Goal("herald+two-workers", "herald", "<=", 1.1),), also=(P99, ALONE), judged_if=BY_THEMSELVES,
        full=True),
    Row("latency", "1 SSE, 1,000/s, PUBLISH to receipt", "latency_us.p50", "us median",
        ("floor A", *PEERS, "herald"), ("--subscribers", "1", "--rate", "1000"), (4, 3),
        (Goal("herald", "floor A", "<=", 1.3), Goal("herald", "floor A", "<=", 1.5, figure="latency_us.p99", label="p99"),
         *(Goal(peer, "floor A") for peer in PEERS)), also=(("p99 us", "latency_us.p99"),)),
    *ENCRYPTED,
)

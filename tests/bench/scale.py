"""What a large machine carries, calculated from the measured costs: the table of docs/scale.md. Every figure but those of
the machine itself comes from rows that were measured; where one is missing there is no table.
"""

from report import number

CORES, MEMORY, NETWORK = 64, 256e9, 100e9 / 8  # cores, bytes, bytes a second
WORKERS = 60  # a core each; the others are Redis', the sidecar's and the kernel's
RESERVED = 16e9  # bytes for ring, Redis, sidecar and everything that is not a connection
SOCKET = 4096  # bytes of the kernel's per connection: both ends of one on loopback take twice that
PACKET = 78  # bytes of Ethernet, IP and TCP around what one send carries, with the gap between packets
SEGMENT = 1448  # bytes of payload in a full packet

ROWS = ("one-10000", "saturated-sse-10000", "idle-10000", "connect", "ingest", "unsubscribed", "growth-channels", "compress")


def markdown(known):
    missing = [name for name in ROWS if name not in known]
    if missing:
        return f"*Not calculated: {', '.join(missing)} not measured yet.*"
    lines = ["| | from | arithmetic | gives |", "| --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(line)} |" for line in table(costs(known))]
    return "\n".join(lines)


def costs(known):
    """The measured costs, by name: microseconds, bytes, or a second."""
    herald = lambda row: known[row]["figures"]["herald"]
    note = lambda row, label: next(note["value"] for note in known[row]["notes"] if note["label"] == label)
    quiet = known["idle-10000"]["figures"]
    return {"delivery_us": herald("one-10000"), "saturated": herald("saturated-sse-10000"),
            "idle_bytes": quiet.get("herald+hibernate", quiet["herald"]),
            "connect_us": herald("connect"), "ingest": herald("ingest"), "foreign_us": herald("unsubscribed"),
            "channel_bytes": herald("growth-channels"), "event_bytes": note("compress", "as text, 200 bytes")}


def limits(cost):
    """What each part of the machine carries by itself."""
    connections = (MEMORY - RESERVED) / (cost["idle_bytes"] + SOCKET)
    single = WORKERS * 1e6 / cost["delivery_us"]
    return {
        "connections": connections,
        "single_cpu": single,
        "single_network": NETWORK / (cost["event_bytes"] + PACKET),
        "coalesced_cpu": WORKERS * cost["saturated"],
        "coalesced_network": NETWORK / (cost["event_bytes"] * (1 + PACKET / SEGMENT)),
        "seconds_between": connections / single,
        "connects": WORKERS * 1e6 / cost["connect_us"],
        "back_seconds": connections * cost["connect_us"] / (WORKERS * 1e6),
        "foreign_share": cost["ingest"] * cost["foreign_us"] / 1e6,
        "channels_bytes": WORKERS * 1e6 * cost["channel_bytes"],
    }


def table(cost):
    limit = limits(cost)
    n = number
    return (
        ("open streams, by memory", "idle-10000", f"({n(MEMORY / 1e9)} - {n(RESERVED / 1e9)} GB) / ({n(cost['idle_bytes'])} + "
         f"{SOCKET:,} B)", f"{n(limit['connections'])} streams"),
        ("deliveries one at a time, by CPU", "one-10000", f"{WORKERS} / {n(cost['delivery_us'])} us",
         f"{n(limit['single_cpu'])} a second"),
        ("the same by network", "compress", f"12.5 GB/s / ({n(cost['event_bytes'])} + {PACKET} B)",
         f"{n(limit['single_network'])} a second"),
        ("deliveries under backlog, by CPU", "saturated-sse-10000", f"{WORKERS} × {n(cost['saturated'])}",
         f"{n(limit['coalesced_cpu'])} a second"),
        ("the same by network", "compress", f"12.5 GB/s / ({n(cost['event_bytes'])} B × {1 + PACKET / SEGMENT:.2f})",
         f"{n(limit['coalesced_network'])} a second"),
        ("events for every open stream, by CPU", "", f"{n(limit['connections'])} / {n(limit['single_cpu'])} a second",
         f"one in {n(limit['seconds_between'])} s"),
        ("events in, by the sidecar's one loop", "ingest", "", f"{n(cost['ingest'])} a second"),
        ("a worker's core, for events of others' channels at that rate", "unsubscribed",
         f"{n(cost['ingest'])} × {n(cost['foreign_us'])} us", f"{limit['foreign_share']:.1%}"),
        ("memory of a million channels in all workers", "growth-channels", f"{WORKERS} × 1 M × {n(cost['channel_bytes'])} B",
         f"{n(limit['channels_bytes'] / 1e9)} GB"),
        ("new streams, by CPU", "connect", f"{WORKERS} / {n(cost['connect_us'])} us", f"{n(limit['connects'])} a second"),
        ("all streams back after a restart", "", f"{n(limit['connections'])} / {n(limit['connects'])} a second",
         f"{n(limit['back_seconds'])} s"),
    )

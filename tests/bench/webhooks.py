"""What webhooks cost those who wait for none: how many events a second the sidecar takes while it follows its journal for
one that nobody's event is for, and for one whose receiver keeps up with nothing.
"""

import asyncio
import multiprocessing
import os
import socket
import tempfile
from contextlib import contextmanager
from pathlib import Path

import durability

ANSWER_SECONDS = 0.02  # so that the receiver takes no core from what is measured

# Every event of the benchmark has the name that its `text` is, so that nobody's is "rare".
ON = {"webhook-rare": 'on = ["rare"]', "webhook-all": ""}


def ingest(row, name, build, quick):
    """As many events as the sidecar takes, with journal and index."""
    variant = name.partition("+")[2]
    if not variant:
        return durability.take_in(row, name, build, quick, more='event = "text"')
    with tempfile.TemporaryDirectory(prefix="herald-bench-") as directory, receiver() as port:
        key = Path(directory) / "key"
        key.write_text("a key of the benchmark alone\n")
        return durability.take_in(row, "herald", build, quick, more=f"""\
event = "text"
[[feed.webhook]]
url = "http://127.0.0.1:{port}/"
secret = "file:{key}"
{ON[variant]}
""")


@contextmanager
def receiver():
    """The port of a receiver that takes its time, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        process = multiprocessing.get_context("fork").Process(target=serve, args=(listener,), daemon=True)
        process.start()
        try:
            yield listener.getsockname()[1]
        finally:
            process.kill()
            process.join()


def serve(listener):
    async def run():
        server = await asyncio.start_server(answer, sock=listener)
        await server.serve_forever()

    os.nice(10)
    asyncio.run(run())


async def answer(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            sizes = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            await reader.readexactly(*sizes)
            await asyncio.sleep(ANSWER_SECONDS)
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()

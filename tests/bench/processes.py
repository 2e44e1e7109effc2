"""Starting, awaiting and ending the processes of a benchmark, and on which cores they run."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

READY_SECONDS = 20
STOP_SECONDS = 15  # a sidecar finishes what its projections have begun


class BenchError(Exception):
    """Something could not be started or measured; the message says what."""


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
def process(command, on, log, environment=None):
    """Runs `command` on these cores, in a session of its own so that Ctrl-C reaches us alone, and ends it.
    `environment` is added to ours."""
    with open(log, "ab") as output:
        child = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env={**os.environ, **(environment or {})}, start_new_session=True, preexec_fn=on_cores(on))
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
def socket_pair():
    """Two connected TCP sockets."""
    with socket.create_server(("127.0.0.1", 0)) as listener, \
            socket.create_connection(listener.getsockname()) as client:
        server, _ = listener.accept()
        with server:
            yield client, server

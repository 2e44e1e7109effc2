"""What herald_auth costs: the CPU that nginx's worker spends on a request with a token, beyond the same request, token and
all, to a location without herald_auth. And whether a crowd with a token each gets in.
"""

import os
import select
import socket
import statistics
import subprocess
import time
from contextlib import contextmanager

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import servers
from durability import cpu_seconds, temporary_redis, with_children
from servers import BenchError, OTHER_CORE

SECRET = "0123456789abcdef0123456789abcdef"
PIPELINE = 50  # requests on their way at a time
ISSUER = "https://bench.example/"
KEYS = {"hs256": SECRET, "rs256": rsa.generate_private_key(65537, 2048), "es256": ec.generate_private_key(ec.SECP256R1())}

HTTP = f"""
    herald_issuer hs {{ iss {ISSUER}; aud bench; secret env:HERALD_BENCH_SECRET; }}
    herald_issuer keys {{ iss {ISSUER}; aud bench; jwks file:${{HERALD_BENCH_KEYS}}; }}"""
LOCATIONS = """\
location = /none { try_files /none =204; }
        location = /auth { herald_auth hs keys; try_files /none =204; }
        location = /stream { herald_auth hs; herald_subscribe bench:0; }"""


def mint(kind, number):
    claims = {"iss": ISSUER, "aud": "bench", "sub": f"user-{number}", "jti": f"{kind}-{number}",
              "exp": int(time.time()) + 3600, "iat": int(time.time()), "roles": ["bench:read"]}
    return jwt.encode(claims, KEYS[kind], algorithm=kind.upper(), headers={"kid": kind} if kind != "hs256" else None)


def jwk(kind, algorithm):
    key = KEYS[kind].public_key()
    text = algorithm.to_jwk(key)
    return text[:-1] + f', "kid": "{kind}"}}'


def elliptic_jwk():
    numbers = KEYS["es256"].public_key().public_numbers()
    encode = lambda number: jwt.utils.base64url_encode(number.to_bytes(32, "big")).decode()
    return f'{{"kty":"EC","crv":"P-256","kid":"es256","x":"{encode(numbers.x)}","y":"{encode(numbers.y)}"}}'


@contextmanager
def server(build):
    with temporary_redis(OTHER_CORE) as (directory, redis_port):
        keys = directory / "keys.json"
        keys.write_text(f'{{"keys":[{jwk("rs256", jwt.algorithms.RSAAlgorithm)},{elliptic_jwk()}]}}')
        os.environ.update(HERALD_BENCH_SECRET=SECRET, HERALD_BENCH_KEYS=str(keys))
        with servers.sidecar(directory, build, redis_port, ring="1M") as child, \
                servers.nginx(directory, build, redis_port, child, LOCATIONS, HTTP) as nginx:
            yield nginx


def ask(connection, path, tokens, answer_size=1):
    """Sends a request for each token, PIPELINE at a time; raises unless all get in. Returns an answer's size in bytes.

    With it the kernel wakes this process once for all answers on their way. Otherwise it does so for some of them, the more the
    slower nginx is, and nginx's CPU pays for that.
    """
    received = b""
    for start in range(0, len(tokens), PIPELINE):
        some = tokens[start:start + PIPELINE]
        connection.sendall(b"".join(
            b"GET %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n\r\n" % (path, token.encode()) for token in some))
        received = b""
        while received.count(b"\r\n\r\n") < len(some):
            missing = len(some) * answer_size - len(received)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, max(missing, 1))
            part = connection.recv(65536)
            if not part:
                raise BenchError("nginx closed the connection")
            received += part
        if received.count(b"HTTP/1.1 204") != len(some):
            raise BenchError(f"{path.decode()} refused a good token: {received[:200]!r}")
    return len(received) // len(some)


def cost(row, name, build, quick):
    """Microseconds per request, the check alone, for a token that is known and for ones that are new."""
    turns, each = row.repeats[quick]
    # The time-out makes Python poll: a recv that sleeps is not woken for less than its own SO_RCVLOWAT, even if it has some.
    with server(build) as nginx, socket.create_connection(("127.0.0.1", nginx.port), timeout=10) as connection:
        pids = with_children(nginx.pids)

        def seconds(path, tokens):
            before = cpu_seconds(pids)
            ask(connection, path, tokens, answer_size)
            return cpu_seconds(pids) - before

        known = [mint("hs256", 0)] * each
        answer_size = ask(connection, b"/auth", known[:PIPELINE])
        spent = {kind: [] for kind in ("cached", *KEYS)}
        for turn in range(turns):
            for kind, costs in spent.items():
                tokens = known if kind == "cached" else [mint(kind, turn * each + i + 1) for i in range(each)]
                without = seconds(b"/none", tokens)
                costs.append((seconds(b"/auth", tokens) - without) * 1e6 / each)
    return {kind: statistics.median(costs) for kind, costs in spent.items()} | openssl_alone()


def openssl_alone():
    """Microseconds of a verification by what OpenSSL says of itself, on this machine in this minute."""
    out = subprocess.run(["openssl", "speed", "-mr", "-seconds", "1", "rsa2048", "ecdsap256"], check=True, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    # +F2 (RSA) and +F4 (ECDSA): number, bits, signatures a second, verifications a second
    rates = {line[:3]: float(line.split(":")[4]) for line in out.splitlines() if line.startswith("+F")}
    return {"rs256_openssl": 1e6 / rates["+F2"], "es256_openssl": 1e6 / rates["+F4"]}


def crowd(row, name, build, quick):
    """SSE connections, each with a token of its own, some thousands at a time."""
    total, wave = row.repeats[quick]
    refused = 0
    with server(build) as nginx:
        for start in range(0, total, wave):
            tokens = [mint("hs256", start + i) for i in range(min(wave, total - start))]
            refused += sum(status != b"200" for status in connect_all(nginx.port, tokens))
    return {"connected": total - refused, "refused": refused}


def connect_all(port, tokens):
    """The statuses with which these connects are answered; empty where there is no answer within ten seconds."""
    poller = select.epoll()
    waiting = {}
    statuses = []
    for token in tokens:
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n\r\n" % token.encode())
        waiting[connection.fileno()] = connection
        poller.register(connection.fileno(), select.EPOLLIN)
    deadline = time.monotonic() + 10
    while waiting and time.monotonic() < deadline:
        for fd, _ in poller.poll(1):
            poller.unregister(fd)
            connection = waiting.pop(fd)
            statuses.append(connection.recv(256)[9:12])
            connection.close()
    return statuses + [b""] * len(waiting)

"""In which ways an nginx is run: a server's name is `herald` or `nchan`, or one of these behind a plus: `herald+tls`."""

import ctypes
import os
import subprocess
from dataclasses import dataclass

import processes


@dataclass(frozen=True)
class Variant:
    listen: str = ""  # more words of `listen`
    http: str = ""  # more lines of the http block
    workers: int = 1
    pools: bool = True  # small pools (servers.POOLS), not nginx's own
    herald_has: bytes = b""  # a directive that Herald's module must know
    needs_ktls: bool = False


TLS = "ssl_protocols TLSv1.3;"

VARIANTS = {
    "": Variant(),
    "tls": Variant("ssl", TLS),
    "ktls": Variant("ssl", f"{TLS} ssl_conf_command Options KTLS;", needs_ktls=True),
    "tls-hibernate": Variant("ssl", f"{TLS} herald_hibernate on;", pools=False, herald_has=b"herald_hibernate"),
    "http2": Variant("ssl http2", TLS),
    "two-workers": Variant(workers=2),
    "default-pools": Variant(pools=False),
    "awake": Variant(http="herald_hibernate off;", herald_has=b"herald_hibernate"),
    "hibernate": Variant(http="herald_hibernate on;", pools=False, herald_has=b"herald_hibernate"),
    "views": Variant(herald_has=b"herald_view"),  # of the sidecar: with views of all events
    "io_uring": Variant(http="herald_io_uring on;", herald_has=b"herald_io_uring"),
    "webhook-rare": Variant(),  # of the sidecar: webhooks.py
    "webhook-all": Variant(),
}


def variant_of(server_name):
    return VARIANTS[server_name.partition("+")[2]]


def is_possible(variant, module):
    """Whether this machine and this build of Herald's module have what the variant needs."""
    if variant.needs_ktls and not kernel_has_ktls():
        return False
    return variant.herald_has in module.read_bytes()


def kernel_has_ktls():
    with processes.socket_pair() as (client, _):
        try:
            client.setsockopt(processes.socket.IPPROTO_TCP, 31, b"tls")  # TCP_ULP
            return True
        except OSError:
            return False


def kernel_has_io_uring():
    """Whether a ring can be made here: containers often forbid it."""
    io_uring_setup, parameters = 425, ctypes.create_string_buffer(120)
    ring = ctypes.CDLL(None).syscall(io_uring_setup, 1, parameters)
    if ring >= 0:
        os.close(ring)
    return ring >= 0


def listening(variant, directory, port, ready_port):
    """The `listen` lines of a server, and its certificate; on `ready_port` it always listens in plain."""
    lines = [f"listen 127.0.0.1:{port} {variant.listen} backlog=4096;"]
    if "ssl" in variant.listen:
        make_certificate(directory)
        lines += [f"listen 127.0.0.1:{ready_port};",
                  f"ssl_certificate {directory}/tls.crt;", f"ssl_certificate_key {directory}/tls.key;"]
    return "\n        ".join(lines)


def make_certificate(directory):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=bench", "-keyout", f"{directory}/tls.key", "-out", f"{directory}/tls.crt"],
        check=True, capture_output=True)

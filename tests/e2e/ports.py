"""Free ports for servers that must know their port before they start."""

import os
import pathlib
import random
import socket

# Connections that any process makes get their ports from the range of the kernel. A port in that range may be free
# when a test looks and in use when its server starts, so the ports of servers come from below it.
RANGE_FILE = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
FIRST = 10000

pick = random.Random(os.getpid())


def _is_free(host, port):
    with socket.socket() as s:
        try:
            s.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host="127.0.0.1", count=1):
    """The first of `count` free ports in a row."""
    end = int(RANGE_FILE.read_text().split()[0]) if RANGE_FILE.exists() else 32768
    for _ in range(1000):
        port = pick.randrange(FIRST, end - count)
        if all(_is_free(host, port + i) for i in range(count)):
            return port
    raise AssertionError(f"no {count} free ports in a row between {FIRST} and {end}")

"""Ports for processes that are stopped and started again at the same address."""

import random
import socket
from pathlib import Path

FIRST = 20_011
_taken = set()


def fixed_ports(count):
    """Free ones, all different, and out of the range from which the system gives ports to
    outgoing connections: nobody takes one while its process is down."""
    last = _first_for_outgoing() - 1
    ports = []
    while len(ports) < count:
        port = random.randint(FIRST, last)
        if port not in _taken and _is_free(port):
            _taken.add(port)
            ports.append(port)
    return ports


def _first_for_outgoing():
    """Linux's setting; elsewhere the range that the internet's registry names."""
    setting = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(setting.read_text().split()[0]) if setting.exists() else 49_152
    return max(first, FIRST + 5_000)


def _is_free(port):
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False

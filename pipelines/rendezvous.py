"""Hosts find each other before TensorFlow starts, which never says who is missing, and on the first host waits on."""

import re
import socket
import time

from .hosts import Hosts
from .runs import RunError

_HELLO = re.compile(rb"paraph host ([0-9]{1,6})\n")


def meet(hosts: Hosts, *, wait_s: float) -> None:
    """Return once every host has reached this one and been reached; the ports are free again then.

    Args:
        hosts: Who they are; this one listens at its own address meanwhile.
        wait_s: How long at most.

    Raises:
        RunError: If the own address cannot be used, or a host did not come in time.
    """
    others = set(range(hosts.count)) - {hosts.index}
    came: set[int] = set()
    reached: set[int] = set()
    until = time.monotonic() + wait_s
    with _listener(hosts.addresses[hosts.index]) as server:
        while not (came >= others and reached >= others):
            if time.monotonic() > until:
                missing = ", ".join(f"{i} ({hosts.addresses[i]})" for i in sorted(others - (came & reached)))
                raise RunError(
                    f"did not meet host {missing} within {wait_s:g} s; start the same command on every host, and see "
                    "that their ports can be reached"
                )
            reached |= {i for i in others - reached if _reach(hosts, i)}
            came |= _accept(server) & others


def _split(address: str) -> tuple[str, int]:
    name, _, port = address.rpartition(":")
    return name.strip("[]"), int(port)


def _listener(address: str) -> socket.socket:
    name, port = _split(address)
    try:
        family = socket.AF_INET6 if ":" in name else socket.AF_INET
        server = socket.create_server((name, port), family=family)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(
            f"cannot listen at {address}: {reason}; is it this host's address (--host), and free?"
        ) from error
    server.settimeout(0.1)
    return server


def _reach(hosts: Hosts, other: int) -> bool:
    """Say hello to another host; whether it was there."""
    try:
        with socket.create_connection(_split(hosts.addresses[other]), timeout=2.0) as there:
            there.sendall(f"paraph host {hosts.index}\n".encode())
    except OSError:  # not there yet; `meet` tells who never came
        return False
    return True


def _accept(server: socket.socket) -> set[int]:
    """Return the host that said hello, if any did; whoever says something else is not heard."""
    try:
        there, _ = server.accept()
        with there:
            there.settimeout(1.0)
            found = _HELLO.fullmatch(there.recv(64))
    except OSError:  # nobody, or gone again
        return set()
    return set() if found is None else {int(found[1])}

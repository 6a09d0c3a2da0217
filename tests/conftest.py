"""Every test runs without a network and, with hypothesis, on the same examples each time."""

import ipaddress
import socket
from collections.abc import Iterator

import hypothesis
import pytest

hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")


def _is_local(host: object) -> bool:
    """Tell whether a host of an address is this machine itself."""
    if host in ("localhost", "", None):
        return True
    try:
        return ipaddress.ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Let sockets connect to this machine only; sockets without an address (AF_UNIX) are free."""
    plain = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex")}

    def guard(name: str) -> object:
        def connect(self: socket.socket, address: tuple[object, ...]) -> object:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
                raise RuntimeError(f"a test tried to reach {address[0]!r}; tests run without a network")
            return plain[name](self, address)

        return connect

    with pytest.MonkeyPatch.context() as patch:
        for name in plain:
            patch.setattr(socket.socket, name, guard(name))
        yield

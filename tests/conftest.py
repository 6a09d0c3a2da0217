"""Every test runs without a network and, with hypothesis, on the same examples each time."""

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from pipelines.config import RunConfig
from pipelines.settings import BatchSettings, EvaluationSettings, TrainSettings, WorldSettings

# two test processes share two cores: OpenMP threads that wait by spinning made a t-SNE of 64 points take 20 s
os.environ["OMP_NUM_THREADS"] = "1"

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


@pytest.fixture(scope="session")
def micro_config() -> RunConfig:
    """Return the smallest run with a real network."""
    return RunConfig(
        preset="micro",
        world=WorldSettings(train_signers=64, dev_signers=6, test_signers=8),
        batch=BatchSettings(signers=4, genuine=2, forgeries=2),
        train=TrainSettings(height=64, width=128, embedding_dim=32, epochs=2, steps_per_epoch=3),
        evaluation=EvaluationSettings(
            genuine=3, forgeries=3, skills=(0.3, 0.85), per_skill=1, n_random=4, bootstrap_draws=100
        ),
    )


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory, micro_config: RunConfig) -> Path:
    """Return the folder of a whole micro run; read it, or copy it before changing it."""
    from pipelines.demo import demo
    from pipelines.progress import Progress

    path = tmp_path_factory.mktemp("micro") / "run"
    demo(path, micro_config, fresh=False, progress=Progress(quiet=True))
    _forget_precision()
    return path


@pytest.fixture(autouse=True)
def usual_precision() -> Iterator[None]:
    """Build networks in float32 in every test, whatever this machine prefers and whoever trained before."""
    _forget_precision()
    yield
    _forget_precision()


def _forget_precision() -> None:
    if "keras" in sys.modules:
        sys.modules["keras"].config.set_dtype_policy("float32")

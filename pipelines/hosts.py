"""Which hosts train together, which of them this one is, and which rows of every batch it draws.

A batch is a function of its number, so every host plans the whole batch and draws its own rows of it: no image
travels. The batch settings are of all hosts together; one host alone would draw the same batch.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .config import RunConfig
from .grouping import Plan


@dataclass(frozen=True)
class Hosts:
    """All hosts, and which one this is.

    Attributes:
        addresses: ``name:port`` of each; the first one writes the run folder.
        index: Of this one, from 0.
    """

    addresses: tuple[str, ...]
    index: int

    @property
    def count(self) -> int:
        """How many hosts there are."""
        return len(self.addresses)

    @property
    def is_first(self) -> bool:
        """Whether this one writes the run folder."""
        return self.index == 0


def parse_hosts(text: str, index: int | None) -> Hosts:
    """Return hosts as a user names them.

    Args:
        text: ``name:port`` of each, separated by commas, in the same order on every host.
        index: Of this one, from 0.

    Raises:
        ValueError: If an address has no port, is there twice or is the only one, or the index is missing or too large.

    Example:
        >>> parse_hosts("a:9000,b:9000", 1)
        Hosts(addresses=('a:9000', 'b:9000'), index=1)
    """
    addresses = tuple(word.strip() for word in text.split(",") if word.strip())
    for address in addresses:
        name, _, port = address.rpartition(":")
        if not (name and port.isdecimal() and 0 < int(port) < 65536):
            raise ValueError(f"{address!r} is no host; write NAME:PORT, such as 192.168.0.7:9000")
        if addresses.count(address) > 1:
            raise ValueError(f"host {address!r} is there twice; every host needs an address of its own")
    if len(addresses) < 2:
        raise ValueError(f"--hosts {text!r} names {len(addresses)} host; name two or more, or leave it out")
    if index is None or not 0 <= index < len(addresses):
        last = len(addresses) - 1
        raise ValueError(f"--host is {index}; say which of the {last + 1} hosts this one is, 0 to {last}")
    return Hosts(addresses, index)


def hosts_of(environment: Mapping[str, str]) -> Hosts | None:
    """Return the hosts that a scheduler names in ``TF_CONFIG``, TensorFlow's own form, or None.

    Args:
        environment: Of the process.

    Raises:
        ValueError: If ``TF_CONFIG`` holds something else, or jobs other than "chief" and "worker".
    """
    text = environment.get("TF_CONFIG", "")
    if not text:
        return None
    try:
        found = json.loads(text)
        cluster, task = found["cluster"], found["task"]
        chief, workers = list(cluster.get("chief", [])), list(cluster.get("worker", []))
        place = int(task["index"]) + (len(chief) if task["type"] == "worker" else 0)
        known = task["type"] in ("chief", "worker")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(
            f"TF_CONFIG is {text[:80]!r}; it needs a cluster and a task, or use --hosts and --host"
        ) from None
    if not known:
        raise ValueError(f"TF_CONFIG names a task {task['type']!r}; only 'chief' and 'worker' train")
    return parse_hosts(",".join([*chief, *workers]), place)


def share_of(plan: Plan, hosts: Hosts) -> Plan:
    """Return the rows of a batch that are one host's: as many for each, in the order of the hosts.

    Args:
        plan: Of the whole batch; the number of hosts divides it, see `check_hosts`.
        hosts: Whose share.
    """
    rows = len(plan.labels) // hosts.count
    each = len(plan.items) // len(plan.labels)
    labels = slice(hosts.index * rows, (hosts.index + 1) * rows)
    items = slice(labels.start * each, labels.stop * each)
    return Plan(plan.items[items], plan.labels[labels], plan.groups[items])


def shared(plan: Callable[[int], Plan], hosts: Hosts) -> Callable[[int], Plan]:
    """Return what plans one host's share of batch after batch."""
    return lambda number: share_of(plan(number), hosts)


def check_hosts(config: RunConfig, hosts: Hosts) -> None:
    """Raise if hosts cannot share a run.

    Args:
        config: The run.
        hosts: Who trains.

    Raises:
        ValueError: If they do not divide a batch into whole signers, pairs or triplets, or a setting is for one host.
    """
    check_shares(config, hosts.count, "hosts")
    if config.inputs.cache == "disk":
        raise ValueError("inputs.cache is 'disk', and only the first host has a run folder; use 'memory'")
    if config.train.small_epochs:
        raise ValueError("training begins on smaller canvases on one host only; use --set train.small_share=0")
    if config.train.xla == "on":
        raise ValueError("XLA cannot be on where several hosts train together; use train.xla=auto")


def check_shares(config: RunConfig, n: int, who: str) -> None:
    """Raise if n hosts, or GPUs, do not divide a run's batch into whole signers, pairs or triplets.

    Args:
        config: The run.
        n: How many.
        who: They are, for the message.

    Raises:
        ValueError: If so.
    """
    batch, stream = config.batch, config.inputs.stream
    parts, what = {
        "signers": (batch.signers, "signers"),
        "pairs": (max(2, batch.images // 2), "pairs"),
        "triplets": (max(1, batch.images // 3), "triplets"),
        "classification": (batch.images, "signatures"),
    }[stream]
    if parts % n:
        change = f"batch.signers={-(-batch.signers // n) * n}" if stream == "signers" else "batch.signers=..."
        raise ValueError(f"{n} {who} cannot share a batch of {parts} {what} evenly; change it, such as --set {change}")

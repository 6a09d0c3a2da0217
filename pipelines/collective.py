"""What hosts that train together tell each other: sums over all of them, and nothing else.

TensorFlow's `MultiWorkerMirroredStrategy` is only what carries the sums. Network, loss and optimizer of every host
live outside it, one copy each; they stay equal because they start equal and are moved by the same summed gradients.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .hosts import Hosts
from .rendezvous import meet
from .runs import RunError

Say = Callable[[str], None]
WAIT_S, SILENT_S = 180, 30
"""How long hosts wait for each other to begin with, and how long one may be silent before the others give up."""


class HostLost(RunError):
    """Another host is gone; the process should end at once, as TensorFlow's own end would wait for that host."""


class Cluster:
    """The hosts of a run, joined.

    Args:
        hosts: Who they are.
        strategy: What joins them.
    """

    def __init__(self, hosts: Hosts, strategy: Any) -> None:
        import tensorflow as tf

        self.hosts, self.strategy = hosts, strategy
        self._eagerly = tf.function(self.total)

    def total(self, values: Sequence[Any]) -> list[Any]:
        """Return the sums of tensors over all hosts; every host calls it, and gets the same bits."""
        import tensorflow as tf

        def reduce(found: list[Any]) -> list[Any]:
            here = [tf.identity(value) for value in found]  # on this host's device; from outside they have none
            return list(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, here))

        sums: list[Any] = [None] * len(values)
        for kind in dict.fromkeys(value.dtype for value in values):  # what travels together has one type
            places = [place for place, value in enumerate(values) if value.dtype == kind]
            found = self.strategy.run(reduce, args=([values[place] for place in places],))
            for place, value in zip(places, found, strict=True):
                sums[place] = value
        return sums

    def whole(self, rows: Sequence[Any]) -> list[Any]:
        """Return tensors of all hosts' rows, in the hosts' order; gradients flow to the own rows only.

        Summed over the hosts these are the gradients of the whole.

        Args:
            rows: Float tensors ``(n, ...)``, n the same on every host.

        Returns:
            Tensors ``(n_hosts * n, ...)``.
        """
        import tensorflow as tf

        before, after = self.hosts.index, self.hosts.count - 1 - self.hosts.index
        padded = []
        for part in rows:
            n = part.shape[0]
            padded.append(tf.pad(part, [[before * n, after * n], *([[0, 0]] * (len(part.shape) - 1))]))
        sums = self.total([tf.stop_gradient(part) for part in padded])
        return [part + tf.stop_gradient(every - part) for part, every in zip(padded, sums, strict=True)]

    def numbers(self, number: int) -> list[int]:
        """Return a whole number of each host, 0 to 2**62."""
        import tensorflow as tf

        own = np.zeros(self.hosts.count, dtype=np.int64)
        own[self.hosts.index] = number
        return [int(n) for n in np.asarray(self._eagerly([tf.constant(own)])[0])]

    def agree(self, number: int) -> bool:
        """Return whether all hosts have the same number."""
        return len(set(self.numbers(number))) == 1

    def from_first(self, values: Sequence[Any]) -> list[Any]:
        """Return the first host's values of tensors or variables, exactly."""
        import tensorflow as tf

        own = [tf.convert_to_tensor(value) for value in values]
        return list(self._eagerly([value if self.hosts.is_first else tf.zeros_like(value) for value in own]))

    def mean(self, values: Sequence[Any]) -> list[Any]:
        """Return the means over all hosts of float tensors or variables; what is equal everywhere stays exactly so."""
        first = self.from_first(values)
        apart = self._eagerly([value - base for value, base in zip(values, first, strict=True)])
        return [base + some / self.hosts.count for base, some in zip(first, apart, strict=True)]


def join(hosts: Hosts, say: Say, *, wait_s: int = WAIT_S, silent_s: int = SILENT_S) -> Cluster:
    """Return the hosts joined; to be called before anything else of TensorFlow runs.

    Args:
        hosts: Who they are.
        say: Told one line at a time.
        wait_s: Give up if not all are there after so long.
        silent_s: Give a host up if it was not heard of for so long.

    Raises:
        RunError: If a host did not come, an address cannot be used, or a host has several GPUs.
    """
    import tensorflow as tf
    from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
    from tensorflow.python.eager import context  # the limits can be set in no public way

    if len(tf.config.list_physical_devices("GPU")) > 1:
        raise RunError("a host has one GPU; start one for each, with CUDA_VISIBLE_DEVICES=0, 1, ... and its own port")
    say(f"host {hosts.index} of {hosts.count}, {hosts.addresses[hosts.index]}: waiting for the others")
    meet(hosts, wait_s=wait_s)
    context.context().configure_coordination_service(
        "standalone",
        service_leader="/job:worker/replica:0/task:0",
        cluster_register_timeout_in_ms=1000 * wait_s,
        heartbeat_timeout_in_ms=1000 * silent_s,
        shutdown_barrier_timeout_in_ms=1000 * silent_s,
        coordinated_jobs=[coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=hosts.count)],
    )
    cluster = tf.train.ClusterSpec({"worker": list(hosts.addresses)})
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        cluster, task_type="worker", task_id=hosts.index, rpc_layer="grpc"
    )
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    except (tf.errors.OpError, RuntimeError) as error:
        raise HostLost(
            f"the {hosts.count} hosts did not come together within {wait_s} s ({_reason(error)}); start the same "
            "command on each, and see that the ports are free and can be reached"
        ) from error
    say(f"{hosts.count} hosts are together")
    return Cluster(hosts, strategy)


@contextlib.contextmanager
def noticed(where: str) -> Iterator[None]:
    """Turn TensorFlow's errors about a host that is gone into one line.

    Args:
        where: How far training has come.

    Raises:
        HostLost: If another host is gone.
    """
    import tensorflow as tf

    gone = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.InternalError)
    try:
        yield
    except (*gone, tf.errors.DeadlineExceededError, tf.errors.FailedPreconditionError, tf.errors.UnknownError) as error:
        raise HostLost(
            f"another host is gone {where}; start the same command on every host again, and training goes on "
            f"from the last checkpoint ({_reason(error)})"
        ) from error


def _reason(error: Exception) -> str:
    text = str(getattr(error, "message", error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160] if lines else type(error).__name__

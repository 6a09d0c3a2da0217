"""Which number format and whether XLA: decided from the hardware, with the reason in words."""

import os
from pathlib import Path
from typing import NamedTuple


class Choice(NamedTuple):
    """A decision and why it was taken."""

    value: str
    reason: str


def choose_precision(setting: str) -> Choice:
    """Return a Keras dtype policy for this machine.

    Args:
        setting: "auto", or a policy that is taken as it is.
    """
    if setting != "auto":
        return Choice(setting, "as configured")
    capability = _gpu_capability()
    if capability is not None:
        if capability >= (8, 0):
            return Choice("mixed_bfloat16", f"the GPU (compute capability {capability}) has native bfloat16")
        if capability >= (7, 0):
            return Choice("mixed_float16", f"the GPU (compute capability {capability}) has float16, not bfloat16")
        return Choice("float32", f"the GPU (compute capability {capability}) has no fast half precision")
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return Choice("float32", "oneDNN is switched off, bfloat16 would be slower")
    if {"avx512_bf16", "amx_bf16"} & cpu_flags():
        return Choice("mixed_bfloat16", "the processor has native bfloat16")
    return Choice("float32", "the processor has no native bfloat16")


def choose_xla(setting: str, *, deterministic: bool = False) -> Choice:
    """Return "on" or "off" for XLA compilation on this machine.

    Args:
        setting: "auto", "on" or "off".
        deterministic: Whether operations must repeat bit by bit, with which TensorFlow compiles nothing.

    Raises:
        ValueError: If XLA is asked for together with several GPUs or with determinism.
    """
    if deterministic:
        if setting == "on":
            raise ValueError("XLA cannot be on where operations must be deterministic; leave one of the two out")
        return Choice("off", "operations are deterministic, which switches XLA off")
    gpus = _gpu_count()
    if setting == "on" and gpus > 1:
        raise ValueError("XLA cannot be on under a strategy over several GPUs; use xla='off'")
    if setting != "auto":
        return Choice(setting, "as configured")
    if gpus == 1:
        return Choice("on", "one GPU")
    return Choice("off", "XLA was slower than oneDNN on CPUs" if gpus == 0 else "several GPUs")


def make_deterministic(seed: int) -> None:
    """Let every operation of this process repeat bit by bit: for the same threads, versions and oneDNN setting.

    Args:
        seed: Of whatever is random and has no seed of its own.
    """
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def cpu_flags() -> set[str]:
    """Return what the processor can do, in the words of Linux; empty on other systems."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore")
    except OSError:  # not Linux: nothing is known, so nothing is claimed
        return set()
    return {flag for line in text.splitlines() if line.startswith("flags") for flag in line.split()}


def _gpu_count() -> int:
    import tensorflow as tf

    return len(tf.config.list_physical_devices("GPU"))


def _gpu_capability() -> tuple[int, int] | None:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return None
    return tuple(tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0)))

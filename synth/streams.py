"""Keyed random numbers: a value is a function of (key, slot name, index), never of call order.

There is no generator object, no cursor and no global state. A *key* is two 64-bit words. A world's root
key is a hash of its seed; every signer, session, act and stage has a child key of its own, so signature 7
of signer 123 costs the same, and is the same, in any order, process or number of workers. A *slot* is the
name of one drawn quantity: adding a new slot never moves the value of another.

The numbers come from Philox4x64-10, a counter-based generator: no other state has to be kept.

Source:
    Salmon, Moraes, Dror, Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3". As printed.
    Wichura (1988), "Algorithm AS 241: the percentage points of the normal distribution", PPND16.
"""

import hashlib
import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from .kernels import kernel

ENGINE = 5
"""Version of the generator: raised when a seed would give other signatures, and recorded with whatever is drawn."""
_KEYS = 1  # version of the keys alone, so that a raised ENGINE changes no signature by itself

_M0, _M1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_W0, _W1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_11, _ZERO = np.uint64(11), np.uint64(0)
_UNIT = 2.0**-53

Key = Any  # a pair of numpy.uint64; numba sees it as UniTuple(uint64, 2)


def slot(name: str) -> np.uint64:
    """Return the 64-bit address of a named quantity (or of a domain or stage)."""
    return np.uint64(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little"))


def root_key(seed: int) -> Key:
    """Return the root key of a world.

    Args:
        seed: Any integer from 0 to 2**63 - 1; 0 is a seed like any other.

    Raises:
        ValueError: If the seed is outside that range.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= int(seed) < 2**63:
        raise ValueError(f"seed is {seed!r}; use an integer from 0 to 2**63 - 1")
    fields = (b"paraph", str(_KEYS).encode(), str(int(seed)).encode())
    text = b"".join(len(field).to_bytes(4, "little") + field for field in fields)
    words = np.frombuffer(hashlib.blake2b(text, digest_size=16).digest(), dtype="<u8")
    return np.uint64(words[0]), np.uint64(words[1])


def _multiply_high(a: Any, b: Any) -> Any:
    """Return the upper 64 bits of the product of two 64-bit words."""
    return np.uint64(int(a) * int(b) >> 64)


def _write_product(_: Any, a: Any, b: Any) -> Any:
    """Tell numba how kernels do it: one instruction, which Python has no name for."""

    def write(_: Any, builder: Any, __: Any, words: Any) -> Any:
        wide = type(words[0].type)(128)
        product = builder.mul(*(builder.zext(word, wide) for word in words))
        return builder.trunc(builder.lshr(product, wide(64)), words[0].type)

    return types.uint64(a, b), write


_product: Any = intrinsic(_write_product)


@overload(_multiply_high)
def _in_kernels(a: Any, b: Any) -> Any:
    def multiply_high(a: Any, b: Any) -> Any:
        return _product(a, b)

    return multiply_high


@kernel
def philox(key: Key, c0: Any, c1: Any, c2: Any, c3: Any) -> Any:
    """Return the four 64-bit words of one Philox4x64-10 block."""
    k0, k1 = key
    for _ in range(10):
        high0, low0 = _multiply_high(_M0, c0), _M0 * c0
        high1, low1 = _multiply_high(_M1, c2), _M1 * c2
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = k0 + _W0, k1 + _W1
    return c0, c1, c2, c3


@kernel
def child(key: Key, name: Any, index: Any) -> Key:
    """Return the key of a part (a signer, an act, a stage): same words in, same key out."""
    words = philox(key, np.uint64(index), np.uint64(1), np.uint64(name), _ZERO)
    return words[0], words[1]


def child_key(key: Key, name: Any, index: int) -> Key:
    """Return `child` of a key to Python code, which would otherwise get integers of either sign."""
    first, second = child(key, name, np.uint64(index))
    return np.uint64(first), np.uint64(second)


@kernel
def uniform(key: Key, name: Any, index: Any) -> float:
    """Return a number inside (0, 1), never 0 and never 1."""
    word = philox(key, np.uint64(index), _ZERO, np.uint64(name), _ZERO)[0]
    return (float(word >> _11) + 0.5) * _UNIT


@kernel
def _ratio(x: float, a: tuple[float, ...], b: tuple[float, ...]) -> float:
    top, bottom = 0.0, 0.0
    for i in range(len(a) - 1, -1, -1):
        top, bottom = top * x + a[i], bottom * x + b[i]
    return top / bottom


_CENTRE_A = (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
             1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
             3.3430575583588128105e4, 2.5090809287301226727e3)  # fmt: skip
_CENTRE_B = (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
             2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
             5.2264952788528545610e3)  # fmt: skip
_MIDDLE_A = (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
             3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
             2.27238449892691845833e-2, 7.74545014278341407640e-4)  # fmt: skip
_MIDDLE_B = (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
             1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
             1.05075007164441684324e-9)  # fmt: skip
_TAIL_A = (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
           2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
           2.71155556874348757815e-5, 2.01033439929228813265e-7)  # fmt: skip
_TAIL_B = (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
           7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
           2.04426310338993978564e-15)  # fmt: skip


@kernel
def normal_quantile(probability: float) -> float:
    """Return the standard normal quantile of a probability inside (0, 1), to about 1e-15."""
    q = probability - 0.5
    if abs(q) <= 0.425:
        return q * _ratio(0.180625 - q * q, _CENTRE_A, _CENTRE_B)
    r = math.sqrt(-math.log(min(probability, 1.0 - probability)))
    value = _ratio(r - 1.6, _MIDDLE_A, _MIDDLE_B) if r <= 5.0 else _ratio(r - 5.0, _TAIL_A, _TAIL_B)
    return -value if q < 0 else value


@kernel
def normal(key: Key, name: Any, index: Any) -> float:
    """Return a standard normal number; one uniform each, so nothing depends on other draws."""
    return normal_quantile(uniform(key, name, index))

"""Numbers that look random and are the same on every machine and with every library: hashes of what they are for."""

from functools import lru_cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

_TABLE = 1 << 22
_MEAN, _DEVIATION = 4 * 127.5, (4 * (256**2 - 1) / 12) ** 0.5  # of the sum of four bytes


def chance(*what: int) -> float:
    """One number in 0..1 (1 excluded) for these integers."""
    return int.from_bytes(blake2b(repr(what).encode(), digest_size=4).digest()) / 2**32


def order(count: int, *what: int) -> list[int]:
    """Shuffle the numbers 0..count-1."""
    return sorted(range(count), key=lambda number: chance(*what, number))


def grain(shape: tuple[int, ...], number: int) -> npt.NDArray[np.float32]:
    """Noise of mean 0 and standard deviation 1, nearly Gaussian, another one for each `number`; every sample on its own."""
    first = int(chance(number, 77) * _TABLE)
    return np.take(_table(), np.arange(first, first + int(np.prod(shape))), mode="wrap").reshape(shape)


@lru_cache(maxsize=1)
def _table() -> npt.NDArray[np.float32]:
    """Four bytes of a hash, added up: by the central limit theorem close to Gaussian, and never beyond 3.5 deviations."""
    values = np.arange(_TABLE, dtype=np.uint32)
    for factor in (0x9E3779B1, 0x85EBCA77):  # every bit spread over all
        values = (values ^ (values >> np.uint32(16))) * np.uint32(factor) + np.uint32(0x6A09E667)
    octets = (values ^ (values >> np.uint32(15))).view(np.uint8).reshape(-1, 4)
    total: npt.NDArray[np.float32] = octets.sum(axis=1, dtype=np.float32)
    return (total - np.float32(_MEAN)) / np.float32(_DEVIATION)

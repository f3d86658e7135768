"""Chance in whole numbers: what is drawn of a person follows from the seed and the person's number alone.

So somebody is the same in every population of a seed, on every machine, wherever a run begins; and no float
comes near money.  The mixing is SplitMix64 (Steele, Lea, Flood, 2014), whose constants stand below.
"""

from __future__ import annotations

import hashlib
import math
from functools import cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_Bits = npt.NDArray[np.uint64]

_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_WORD = 2**64
#: Intervals of a table of quantiles, and how many of their bits choose it and the place inside.
_PARTS, _PLACE_BITS = 1024, 32


class Draws:
    """One column of chance after the other, for the people from ``start`` to ``stop``."""

    def __init__(self, seed: int, start: int, stop: int) -> None:
        self._seed = int.from_bytes(hashlib.sha256(f"ecny-tax season {seed}".encode()).digest()[:8], "big")
        self._people = np.arange(start, stop, dtype=np.uint64)

    def bits(self, what: str) -> _Bits:
        """64 bits a person; ``what`` names the column."""
        name = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big")
        mixed = self._people * np.uint64(_GOLDEN) + np.uint64((self._seed ^ name) % _WORD)
        mixed ^= mixed >> np.uint64(30)
        mixed *= np.uint64(_FIRST)
        mixed ^= mixed >> np.uint64(27)
        mixed *= np.uint64(_SECOND)
        mixed ^= mixed >> np.uint64(31)
        return mixed

    def below(self, what: str, limit: int | Column) -> Column:
        """A whole number from 0 to ``limit`` - 1, all alike; ``limit`` is at least 1 and below 2^31."""
        return ((self.bits(what) >> np.uint64(32)).astype(np.int64) * limit) >> 32

    def happens(self, what: str, of_1000: int) -> Flags:
        """Whether something happens that happens to so many of a thousand."""
        return self.below(what, 1000) < of_1000

    def log_normal(self, what: str, median: int, sigma_percent: int) -> Column:
        """Whole yuan with this median; the logarithm is normal with a deviation of so many hundredths.

        Between the 1,025 points of a table of quantiles the values lie on a line; what lies beyond one in
        8,192 at either end is left out.
        """
        points = _quantiles(median, sigma_percent)
        bits = self.bits(what)
        interval = (bits >> np.uint64(54)).astype(np.int64)
        place = ((bits >> np.uint64(22)) & np.uint64(2**_PLACE_BITS - 1)).astype(np.int64)
        low = points[interval]
        return low + (((points[interval + 1] - low) * place) >> _PLACE_BITS)


@cache
def _quantiles(median: int, sigma_percent: int) -> Column:
    """The quantiles of a log-normal distribution in whole yuan, from the lowest to the highest."""
    normal = NormalDist()
    shares = [1 / 8192, *(part / _PARTS for part in range(1, _PARTS)), 1 - 1 / 8192]
    return np.array(
        [round(median * math.exp(sigma_percent / 100 * normal.inv_cdf(share))) for share in shares], np.int64
    )

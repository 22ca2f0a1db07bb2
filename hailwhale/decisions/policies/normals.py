"""Random numbers that are the same in every model, so that two models differ by what was counted alone."""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np

from hailwhale.decisions.policies.arrays import Floats


@lru_cache(maxsize=16_384)
def normals(name: str, draws: int) -> Floats:
    """So many standard normal numbers that belong to a name; the second half is the first with the other sign."""
    half = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode()))).standard_normal(draws // 2)
    found = np.concatenate([half, -half])
    found.flags.writeable = False
    return found


def gamma(shape: Floats, normal: Floats) -> Floats:
    """Where a gamma variable of that shape stands when a normal one stands there (Wilson and Hilferty, 1931).

    It grows with the shape and with the normal number, and costs two roots.
    """
    shape = np.maximum(shape, 0.05)
    share = 1 / (9 * shape)
    root = np.maximum(1 - share + normal * np.sqrt(share), 1e-3)
    # A power takes six times as long as two products.
    return np.asarray(shape * (root * root * root))

"""Random numbers that are the same in every model, so that two models differ by what was counted alone."""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from hailwhale.decisions.policies.arrays import Floats


@lru_cache(maxsize=16_384)
def normals(name: str, draws: int) -> Floats:
    """So many standard normal numbers that belong to a name; the second half is the first with the other sign.

    They stand at even steps of the distribution, in an order of their own (a Latin hypercube; McKay, Beckman and
    Conover, 1979): no name has more luck than another, and a few numbers do for many.
    """
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    half = draws // 2
    above = ndtri(1 - (np.arange(half) + 0.5) / draws)
    first = rng.permutation(above) * rng.choice([-1.0, 1.0], half)
    found = np.concatenate([first, -first])
    found.flags.writeable = False
    return found


def gamma(shape: Floats, normal: Floats) -> Floats:
    """Where a gamma variable of that shape stands when a normal one stands there (Wilson and Hilferty, 1931).

    It grows with the shape and with the normal number, and costs two roots.
    """
    shape = np.maximum(shape, 0.05)
    share = (1 / 9) / shape
    root = normal * np.sqrt(share)
    root += 1
    root -= share
    np.maximum(root, 1e-3, out=root)
    # A power takes six times as long as two products.
    found: Floats = root * root
    found *= root
    found *= shape
    return found

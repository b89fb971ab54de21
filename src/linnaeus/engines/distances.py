"""How MPNet's attention is biased by distance: offsets between tokens, sorted into buckets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mpnet_buckets(offsets: NDArray[np.int64], buckets: int, longest: int = 128) -> NDArray[np.int64]:
    """Return the bucket of each offset, key position less query position, as MPNet (and T5) sort them.

    Half of the buckets are for keys to the right. Of each half, half are for single offsets, and the others grow
    with the logarithm of the distance up to `longest`.
    """
    half = buckets // 2
    single = half // 2
    distance = np.abs(offsets)
    with np.errstate(divide="ignore"):
        steps = np.log(distance.astype(np.float32) / np.float32(single)) / np.float32(np.log(longest / single))
    grown = single + np.maximum(steps * (half - single), 0).astype(np.int64)
    within = np.where(distance < single, distance, np.minimum(grown, half - 1))
    return within + np.where(offsets > 0, half, 0)


def bucket_of_offsets(reach: int, buckets: int) -> NDArray[np.int64]:
    """Return [2 * reach - 1]: the buckets of the offsets from 1 - `reach` to `reach` - 1."""
    return mpnet_buckets(np.arange(1 - reach, reach), buckets)

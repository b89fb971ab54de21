"""Engines: token ids in, logits out. `base` says what an engine is."""

import os

#: How many prepared kernels OpenVINO, and oneDNN inside it, keep. By default they keep thousands, megabytes for each
#: shape ever met: a server that sees every length would grow for days. So many cost nothing measurable in speed.
KERNELS_KEPT = 128

# oneDNN reads it when it is loaded, that is when OpenVINO is imported by the modules of this package.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS_KEPT))

"""Options that several commands take.

Devices and precisions are those of `linnaeus.loading`, spelled out here as that module imports NumPy.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import typer

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
Precision: TypeAlias = Literal["auto", "fp32", "bf16", "int8"]

ModelOption: TypeAlias = Annotated[
    str, typer.Option("--model", metavar="MODEL", help="A bundled model, or the folder of one.")
]
DeviceOption: TypeAlias = Annotated[
    Device, typer.Option("--device", help="Where the model runs; auto takes a GPU if there is one.")
]
PrecisionOption: TypeAlias = Annotated[
    Precision, typer.Option("--precision", help="How it computes; auto is the fastest that keeps the scores.")
]

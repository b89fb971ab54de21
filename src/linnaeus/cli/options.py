"""Options that several commands take.

Their values are those of `linnaeus.loading` and `linnaeus.classifier`, spelled out here as those import NumPy.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import typer

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
Precision: TypeAlias = Literal["auto", "fp32", "bf16", "int8"]
LongText: TypeAlias = Literal["cut", "windows"]

ModelOption: TypeAlias = Annotated[
    str, typer.Option("--model", metavar="MODEL", help="A bundled model, a folder, or owner/name of the Hub.")
]
DeviceOption: TypeAlias = Annotated[
    Device, typer.Option("--device", help="Where the model runs; auto takes a GPU if there is one.")
]
PrecisionOption: TypeAlias = Annotated[
    Precision, typer.Option("--precision", help="How it computes; auto is the fastest that keeps the scores.")
]

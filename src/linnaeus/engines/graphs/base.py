"""What every graph is made of: linear layers, norms, heads and attention as OpenVINO nodes, from named arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from linnaeus.engines.padding import MASKED
from linnaeus.errors import ModelError
from linnaeus.models.one_pass import SCALE_SUFFIX, quantise_rows

#: A node of a graph: OpenVINO's Python interface has no type for "node or output of a node".
Node = Any

#: Arrays of a model by name: a matrix ``name`` is fp32, or int8 with a scale per row under ``name`` + `SCALE_SUFFIX`.
Arrays = Mapping[str, NDArray[Any]]

ACTIVATIONS: Mapping[str, Callable[[Node], Node]] = {
    "gelu": lambda node: op.gelu(node, "erf"),
    "gelu_fast": lambda node: op.gelu(node, "tanh"),
    "gelu_new": lambda node: op.gelu(node, "tanh"),
    "gelu_pytorch_tanh": lambda node: op.gelu(node, "tanh"),
    "relu": op.relu,
    "silu": op.swish,
    "swish": op.swish,
    "tanh": op.tanh,
}


def activation(name: str) -> Callable[[Node], Node]:
    """Return the activation that a configuration calls `name`.

    Raises:
        ModelError: there is none of that name here.
    """
    if name not in ACTIVATIONS:
        raise ModelError(f"The activation {name!r} is not supported: use a checkpoint with {', '.join(ACTIVATIONS)}.")
    return ACTIVATIONS[name]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A weight matrix [outputs, inputs]: fp32, or int8 with a scale per row."""

    values: NDArray[Any]
    scales: NDArray[np.float32] | None = None

    def scaled(self, factor: float) -> Matrix:
        if factor == 1:
            return self
        if self.scales is None:
            return Matrix(self.values * np.float32(factor))
        return Matrix(self.values, self.scales * np.float32(factor))

    def part(self, index: int, count: int) -> Matrix:
        """Return one of `count` equal parts of the rows."""
        scales = None if self.scales is None else np.split(self.scales, count)[index]
        return Matrix(np.split(self.values, count)[index], scales)

    def plain(self) -> NDArray[np.float32]:
        return self.values if self.scales is None else self.values * self.scales[:, None]

    def node(self, *, compressed: bool) -> Node:
        """Return the matrix as a constant; if `compressed`, in int8, which is multiplied without unpacking it first."""
        if not compressed:
            return constant(self.plain())
        values, scales = quantise_rows(self.values) if self.scales is None else (self.values, self.scales)
        return op.multiply(op.convert(constant(values), np.float32), constant(scales[:, None]))


class Inputs:
    """The inputs of a graph that reads pairs of text and hypothesis, called as transformers calls them.

    Of any size in both dimensions, [rows, length] int32: ``input_ids``; ``attention_mask``, 1 for a token and 0 for
    padding; ``token_type_ids``, in graphs that tell text and hypothesis apart; ``position_ids``, in graphs whose
    positions are counted over the tokens that are not padding. The output is [rows, classes] fp32 logits.

    Attributes:
        kept: [rows, length] fp32, the attention mask.
        mask: [rows, 1, 1, length] fp32, 0 for a token and `MASKED` for padding.
    """

    def __init__(self, *, types: bool = False, positions: bool = False) -> None:
        self.tokens = parameter("input_ids", [-1, -1])
        self._attended = parameter("attention_mask", [-1, -1])
        self.types = parameter("token_type_ids", [-1, -1]) if types else None
        self.positions = parameter("position_ids", [-1, -1]) if positions else None
        self.kept = op.convert(self._attended, np.float32)
        masked = op.multiply(op.subtract(op.constant(np.float32(1)), self.kept), op.constant(MASKED))
        self.mask = op.unsqueeze(masked, ints(1, 2))

    def model(self, logits: Node) -> ov.Model:
        given = [node for node in (self.tokens, self._attended, self.types, self.positions) if node is not None]
        return ov.Model([logits], given, "cross-encoder")


class GraphBuilder:
    """Builds parts of a graph out of the arrays of a model.

    Args:
        arrays: the model's arrays.
        heads: attention heads of every layer.
        norm_epsilon: what layer norms add to the variance.
        compressed: whether the matrices of the layers are int8, for an engine that multiplies in int8.
    """

    def __init__(self, arrays: Arrays, *, heads: int, norm_epsilon: float, compressed: bool) -> None:
        self.arrays = arrays
        self.heads = heads
        self._norm_epsilon = norm_epsilon
        self._compressed = compressed
        self._constants: dict[tuple[Any, ...], Node] = {}

    def array(self, name: str) -> NDArray[Any]:
        try:
            return self.arrays[name]
        except KeyError:
            raise ModelError(f"The weights have no {name}, which the configuration asks for.") from None

    def matrix(self, name: str) -> Matrix:
        return Matrix(self.array(name), self.arrays.get(name + SCALE_SUFFIX))

    def linear(
        self, name: str, hidden: Node, *, scale: float = 1.0, part: tuple[int, int] = (0, 1), compressed: bool = True
    ) -> Node:
        """Multiply with ``name.weight`` and add ``name.bias``, if there is one.

        A matrix that is asked for again is the same constant, so that it is in memory once.

        Args:
            name: of the layer.
            hidden: [rows, length, inputs].
            scale: multiplies weight and bias first.
            part: (k, n) takes the k-th of n parts that are stored in one matrix.
            compressed: whether an int8 matrix may stay so.
        """
        asked = (name, scale, part, compressed)
        if asked not in self._constants:
            matrix = self.matrix(f"{name}.weight").part(*part).scaled(scale)
            self._constants[asked] = matrix.node(compressed=compressed and self._compressed)
        product = op.matmul(hidden, self._constants[asked], False, True)
        bias = self.arrays.get(f"{name}.bias")
        if bias is None:
            return product
        return op.add(product, constant(np.split(bias, part[1])[part[0]] * np.float32(scale)))

    def norm(self, name: str, hidden: Node) -> Node:
        normal = op.mvn(hidden, ints(-1), True, self._norm_epsilon, "inside_sqrt")
        weighted = op.multiply(normal, constant(self.array(f"{name}.weight")))
        bias = self.arrays.get(f"{name}.bias")
        return weighted if bias is None else op.add(weighted, constant(bias))

    def rows(self, name: str, indexes: Node) -> Node:
        """Look rows of ``name.weight`` up; if int8 it stays so, as most of its rows are never asked for."""
        matrix = self.matrix(f"{name}.weight")
        rows = op.gather(constant(matrix.values), indexes, int_(0))
        if matrix.values.dtype != np.float32:
            rows = op.convert(rows, np.float32)
        if matrix.scales is None:
            return rows
        return op.multiply(rows, op.gather(constant(matrix.scales[:, None]), indexes, int_(0)))

    def split(self, hidden: Node) -> Node:
        """[rows, length, heads * size] to [rows, heads, length, size]."""
        apart = op.reshape(hidden, ints(0, 0, self.heads, -1), True)
        return op.transpose(apart, ints(0, 2, 1, 3))

    def joined(self, attended: Node) -> Node:
        """[rows, heads, length, size] to [rows, length, heads * size]."""
        return op.reshape(op.transpose(attended, ints(0, 2, 1, 3)), ints(0, 0, -1), True)


def constant(array: NDArray[Any]) -> Node:
    # The array is not copied; the node keeps it alive.
    return op.constant(np.ascontiguousarray(array), shared_memory=True)


def size_of(node: Node, axis: int) -> Node:
    """Return the size of an axis as a shape of one number."""
    return op.gather(op.shape_of(node, "i64"), ints(axis), int_(0))


def positions_of(tokens: Node) -> Node:
    """Return 0, 1, 2, … for the tokens of [rows, length]."""
    return op.range(int_(0), op.squeeze(size_of(tokens, 1), ints(0)), int_(1), "i64")


def square_of_offsets(positions: Node, reach: int) -> Node:
    """Return [length, length] of key position less query position, plus `reach` - 1, so that none is negative."""
    keys, queries = op.unsqueeze(positions, int_(0)), op.unsqueeze(positions, int_(1))
    return op.add(op.subtract(keys, queries), int_(reach - 1))


def first_of(hidden: Node) -> Node:
    """[rows, length, hidden] to [rows, 1, hidden]: the first token of each row."""
    return op.gather(hidden, ints(0), int_(1))


def shape_of_parts(*shapes: Node) -> Node:
    return op.concat(list(shapes), 0)


def int_(value: int) -> Node:
    return op.constant(np.int64(value))


def ints(*values: int) -> Node:
    return op.constant(np.array(values, np.int64))


def parameter(name: str, shape: list[int], dtype: type[np.generic] = np.int32) -> Node:
    return op.parameter(shape, dtype, name=name)

"""Both engines of the one-pass model, on a small one: what they compute, and that company changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linnaeus import EngineError
from linnaeus.engines.base import Engine, Reading
from linnaeus.engines.graphs.one_pass import build_graph
from linnaeus.engines.openvino_one_pass import OpenVinoEngine
from linnaeus.engines.selection import uses_cuda
from linnaeus.engines.torch_one_pass import TorchEngine
from linnaeus.models.one_pass import OnePassConfig, read_stored, read_weights, write_weights
from tests.conftest import make_one_pass_folder
from tests.processor import HAS

pieces = st.lists(st.integers(3, 258), min_size=1, max_size=30).map(lambda tokens: [1, *tokens, 2])
readings = st.builds(Reading, pieces, st.lists(pieces, min_size=1, max_size=6))
thorough = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def openvino(folder: Path, precision: str = "fp32") -> OpenVinoEngine:
    return OpenVinoEngine(folder, OnePassConfig.read(folder), precision=precision, threads=1)


def pytorch(folder: Path) -> TorchEngine:
    return TorchEngine(folder, device="cpu", precision="fp32")


@pytest.fixture(scope="module", params=[0, 32], ids=["like BERT", "like MPNet"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_one_pass_folder(tmp_path_factory.mktemp("one-pass"), request.param)


@pytest.fixture(scope="module", params=[openvino, pytorch])
def engine(request: pytest.FixtureRequest, folder: Path) -> Engine:
    make: Callable[[Path], Engine] = request.param
    return make(folder)


def alone(engine: Engine, asked: Reading) -> NDArray[np.float32]:
    """Ask each hypothesis in a call of its own."""
    return np.concatenate([engine.logits([Reading(asked.premise, [one])])[0] for one in asked.hypotheses])


@thorough
@given(reading=readings)
def test_a_label_has_the_same_logits_in_any_company(engine: Engine, reading: Reading) -> None:
    together = engine.logits([reading])[0]
    np.testing.assert_allclose(together, alone(engine, reading), atol=1e-5)


@thorough
@given(reading=readings, data=st.data())
def test_the_order_of_labels_changes_nothing(engine: Engine, reading: Reading, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(reading.hypotheses))))
    shuffled = Reading(reading.premise, [reading.hypotheses[index] for index in order])
    np.testing.assert_allclose(engine.logits([shuffled])[0], engine.logits([reading])[0][list(order)], atol=1e-5)


@thorough
@given(asked=st.lists(readings, min_size=2, max_size=5))
def test_other_texts_in_the_batch_change_nothing(engine: Engine, asked: Sequence[Reading]) -> None:
    for reading, logits in zip(asked, engine.logits(asked), strict=True):
        assert logits.shape == (len(reading.hypotheses), 3)
        np.testing.assert_allclose(logits, engine.logits([reading])[0], atol=1e-5)


@thorough
@given(asked=st.lists(readings, min_size=1, max_size=4))
def test_openvino_and_pytorch_agree(folder: Path, asked: Sequence[Reading]) -> None:
    ours, reference = _engines(folder)
    for left, right in zip(ours.logits(asked), reference.logits(asked), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-4)


def test_attention_scores_may_be_of_any_size(folder: Path, tmp_path: Path) -> None:
    """Trained heads have scores near 90, where an exponential that is not shifted first leaves fp32."""
    config = OnePassConfig.read(folder)
    weights = read_weights(folder, config)
    for name in weights:
        if name.endswith("key.weight"):
            weights[name] = weights[name] * 10
    config.write(tmp_path)
    write_weights(tmp_path, weights)
    draw = np.random.default_rng(0)
    asked = [Reading([1, *draw.integers(3, 258, 60), 2], [[1, *draw.integers(3, 258, 4), 2]] * 3)]
    ours, reference = openvino(tmp_path).logits(asked)[0], pytorch(tmp_path).logits(asked)[0]
    np.testing.assert_allclose(ours, reference, atol=1e-4)


_made: dict[Path, tuple[Engine, Engine]] = {}


def _engines(folder: Path) -> tuple[Engine, Engine]:
    if folder not in _made:
        _made[folder] = openvino(folder), pytorch(folder)
    return _made[folder]


def test_the_text_is_read_and_the_hypothesis_too(engine: Engine) -> None:
    base = engine.logits([Reading([1, 50, 60, 2], [[1, 70, 2]])])[0]
    other_text = engine.logits([Reading([1, 50, 61, 2], [[1, 70, 2]])])[0]
    other_hypothesis = engine.logits([Reading([1, 50, 60, 2], [[1, 71, 2]])])[0]
    assert np.abs(base - other_text).max() > 1e-3
    assert np.abs(base - other_hypothesis).max() > 1e-3


@pytest.mark.parametrize(("precision", "tolerance"), [("bf16", 0.15), ("int8", 0.3)])
def test_rounded_precisions_stay_near(folder: Path, precision: str, tolerance: float) -> None:
    if not HAS[precision]:
        with pytest.raises(EngineError, match=f"does not multiply in {precision}"):
            openvino(folder, precision)
        return
    draw = np.random.default_rng(0)
    asked = [
        Reading([1, *draw.integers(3, 258, size), 2], [[1, *draw.integers(3, 258, 4), 2]] * 3) for size in (5, 40, 80)
    ]
    exact, rounded = (openvino(folder, name).logits(asked) for name in ("fp32", precision))
    moved = max(float(np.abs(left - right).max()) for left, right in zip(exact, rounded, strict=True))
    assert 0 < moved < tolerance


def test_precisions_are_named(folder: Path) -> None:
    assert openvino(folder, "fp32").description == "OpenVINO on cpu in fp32"
    assert openvino(folder, "auto").precision == ("bf16" if HAS["bf16"] else "fp32")
    assert pytorch(folder).description == "PyTorch on cpu in fp32"
    with pytest.raises(EngineError, match="choose the precision fp32 or bf16"):
        TorchEngine(folder, device="cpu", precision="int8")


def test_devices() -> None:
    assert uses_cuda("cpu") is False
    if not uses_cuda("auto"):
        with pytest.raises(EngineError, match="no CUDA device"):
            uses_cuda("cuda")


def test_a_matrix_is_in_the_graph_once(folder: Path) -> None:
    config = OnePassConfig.read(folder)
    graph = build_graph(read_stored(folder, config), config, compressed=False)
    constants = [node for node in graph.get_ops() if node.get_type_name() == "Constant"]
    wide = [config.intermediate_size, config.hidden_size]
    assert sum(list(node.shape) in (wide, wide[::-1]) for node in constants) == 2 * config.layers


def test_weights_are_weighed_as_they_lie_in_memory(folder: Path) -> None:
    config = OnePassConfig.read(folder)
    multiplied = config.layers * (4 * config.hidden_size**2 + 2 * config.hidden_size * config.intermediate_size)
    kept_and_packed = 8 * multiplied
    assert kept_and_packed < openvino(folder).weight_bytes < 2 * kept_and_packed
    assert 4 * multiplied < pytorch(folder).weight_bytes < 8 * multiplied

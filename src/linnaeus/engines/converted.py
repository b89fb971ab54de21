"""Checkpoints as OpenVINO graphs, made once and kept in a folder of ours.

A graph is kept under the revision of its checkpoint, its precision and the version of Linnaeus that made it. It is
written beside its place and then moved there, so that what is there is whole, whoever else writes at the same moment.
"""

from __future__ import annotations

import logging
import shutil
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import openvino as ov

from linnaeus import __version__
from linnaeus.engines.graphs.families import build_cross_encoder
from linnaeus.engines.kept import graphs_folder, kept_name
from linnaeus.engines.openvino_runtime import CORE, Compiled, compile_graph
from linnaeus.errors import EngineError, ModelError
from linnaeus.models.checkpoint import Checkpoint
from linnaeus.models.weights import read_arrays, weight_files

log = logging.getLogger(__name__)

GRAPH_FILE = "graph.xml"

#: Neighbouring activations of a token that share a scale in int8; the hidden sizes of published models are multiples.
ACTIVATION_GROUP = 128


def converted(checkpoint: Checkpoint, precision: str, *, threads: int = 0) -> Compiled:
    """Return a checkpoint prepared for this processor, from the kept graph if there is one.

    Raises:
        EngineError: the weights are ONNX, and the precision is int8.
        ModelError: the weights are missing or damaged, or their architecture is not supported.
    """
    path = graphs_folder() / _folder_name(checkpoint, precision) / GRAPH_FILE
    prepare = partial(compile_graph, precision=precision, group=ACTIVATION_GROUP, threads=threads)
    if path.is_file():
        try:
            return prepare(path)
        except RuntimeError as error:
            log.warning("The kept graph %s cannot be used, and is made anew: %s", path, error)
            shutil.rmtree(path.parent, ignore_errors=True)
    graph = _build(checkpoint, precision)
    # From the file OpenVINO reads weights as it needs them, and the memory of the arrays is free again.
    return prepare(path if _keep(graph, path.parent) else graph)


def _folder_name(checkpoint: Checkpoint, precision: str) -> str:
    # The graph is the same in fp32 and bf16: the processor rounds as it multiplies.
    kind = "int8" if precision == "int8" else "float"
    return kept_name(checkpoint.revision, f"{kind}-{__version__}")


def _build(checkpoint: Checkpoint, precision: str) -> ov.Model:
    files = weight_files(checkpoint.folder)
    if files[0].suffix == ".onnx":
        if precision == "int8":
            raise EngineError(f"{files[0]} cannot be rounded to int8, as safetensors can: choose the precision auto.")
        try:
            return CORE.read_model(files[0])
        except RuntimeError as error:
            raise ModelError(f"{files[0]} cannot be read: {error}") from error
    log.info("Converting %s for this processor; the result is kept", checkpoint.folder.name)
    return build_cross_encoder(
        read_arrays(checkpoint.folder),
        checkpoint.config,
        longest=checkpoint.longest,
        compressed=precision == "int8",
    )


def _keep(graph: ov.Model, folder: Path) -> bool:
    """Save a graph in `folder`, and say whether it is there now."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(mkdtemp(prefix="unfinished-", dir=folder.parent))
    except OSError as error:
        log.warning("The converted model cannot be kept: %s", error)
        return False
    try:
        ov.save_model(graph, beside / GRAPH_FILE, compress_to_fp16=False)
        beside.rename(folder)
    except (OSError, RuntimeError) as error:
        # Another process may have been faster; its graph is as good.
        if not (folder / GRAPH_FILE).is_file():
            log.warning("The converted model cannot be kept: %s", error)
            return False
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return True

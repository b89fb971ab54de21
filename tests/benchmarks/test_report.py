"""README.md and docs/benchmarks.md quote what was measured, between their markers and nowhere else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks import report

ROOT = Path(__file__).parents[2]

CIRCUMSTANCES = {
    "date": "2026-01-02",
    "commit": "abc",
    "machine": {"processor": "a processor", "cores": 2, "memory_gb": 8.0, "system": "Linux"},
    "versions": {"python": "3.12"},
}


def figures(latency: float, rate: float) -> dict[str, float]:
    return {"latency_ms": latency, "texts_per_second": rate}


def speed() -> dict[str, Any]:
    peers = {
        "pipeline": figures(100, 10),
        "pipeline, best batch": figures(50, 20),
        "auto": figures(5, 400),
        "fp32": figures(25, 100),
    }
    return {
        **CIRCUMSTANCES,
        "precisions": {"auto": "bf16", "fp32": "fp32"},
        "batch_sizes": {"50": 32},
        "ceiling_tflops": {"bf16": 2.0, "fp32": 1.0},
        "cells": [{"tokens": 50, "labels": 10, "gflop_per_text": 2.5, "peers": peers}],
    }


def test_ratios_say_how_many_times_faster_linnaeus_is() -> None:
    lines = report.speed_report(speed()).splitlines()
    latencies, rates = (line for line in lines if line.startswith("| 50 |"))
    assert latencies == "| 50 | 10 | 100 | 50 | 5 | 20x | 10x |"
    assert rates == "| 50 | 10 | 10 | 20 | 400 | 40x | 20x |"


def test_a_slower_linnaeus_is_not_called_faster() -> None:
    table = speed()
    table["cells"][0]["peers"]["auto"] = figures(200, 5)
    assert "| 200 | 0.5x | 0.2x |" in report.speed_report(table)
    assert "| 5 | 0.5x | 0.2x |" in report.speed_report(table)


def test_shares_are_of_the_ceiling_of_the_precision_computed_in() -> None:
    assert "| auto (bf16) | 2.00 | 1.00 to 1.00 | 50% to 50% |" in report.speed_report(speed())
    assert "| fp32 | 1.00 | 0.25 to 0.25 | 25% to 25% |" in report.speed_report(speed())


def checkpoints() -> dict[str, Any]:
    rates = {
        "pipeline": 1,
        "pipeline, best batch": 2,
        "ONNX Runtime fp32": 3,
        "ONNX Runtime int8": 5,
        "auto": 20,
        "fp32": 4,
    }
    cell = {"tokens": 50, "labels": 10, "peers": {name: figures(1, rate) for name, rate in rates.items()}}
    measured = {
        "precisions": {"auto": "bf16", "fp32": "fp32"},
        "batch_sizes": {"50": 32},
        "onnx_versions": {"onnxruntime": "1.2"},
        "cells": [cell],
    }
    return {**CIRCUMSTANCES, "checkpoints": {"owner/name": measured}}


def test_checkpoints_are_compared_with_the_pipeline_and_with_the_fastest_other() -> None:
    lines = report.checkpoints_report(checkpoints()).splitlines()
    assert "| 50 | 10 | 1 | 2 | 3 | 5 | 20 | 4 | 20x | 10x | 4.0x |" in lines
    assert any("`owner/name`" in line for line in lines)
    assert any("onnxruntime 1.2" in line for line in lines)


def test_parity_says_which_precision_is_accepted() -> None:
    found = {"largest_move": 0.0123, "flips": 1, "accepted": False}
    compared = {"texts": 4, "labels": 5, "difference": 3e-6, "pairs": 2000, "precisions": {"int8": found}}
    lines = report.parity_report({**CIRCUMSTANCES, "checkpoints": {"owner/name": compared}}).splitlines()
    assert "| `owner/name` | fp32, from the pipeline | 4 texts, 5 labels | 3.0e-06 |  |  |" in lines
    assert "|  | int8, from fp32 | 2000 pairs | 0.012 | 1 | not accepted |" in lines


def test_memory_at_the_end_is_compared_with_the_start() -> None:
    lines = report.memory_report({**CIRCUMSTANCES, "count": 200, "megabytes": [400, 450, 420]}).splitlines()
    assert "| 400 (after 66 of 200) | 450 | 420 | +5% |" in lines


def test_the_summary_has_a_column_for_each_model_and_its_share_of_the_ceiling() -> None:
    slower = speed()
    slower["cells"][0]["peers"]["auto"] = figures(5, 100)
    lines = report.speed_summary({"small": speed(), "base": slower}).splitlines()
    assert lines[0] == "| text, tokens | labels | `small` | `base` |"
    assert lines[2:] == ["| 50 | 10 | 40x (20x) | 10x (5.0x) |", "| of the ceiling, at most |  | 50% | 12% |"]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    return tmp_path


def place(folder: Path, name: str, *sections: str) -> Path:
    """Write a file with a place for each section."""
    path = folder / name
    path.write_text("".join(f"<!-- {of}:begin -->\nold\n<!-- {of}:end -->\n" for of in sections), encoding="utf-8")
    return path


def test_renders_between_the_markers(results: Path) -> None:
    readme, page = place(results, "README.md", "speed"), place(results, "page.md", "speed-small")
    report.keep("speed-small", speed())
    report.render(readme, page)
    kept = json.loads((results / "speed-small.json").read_text(encoding="utf-8"))
    for path, name, figures in (
        (readme, "speed", report.speed_summary({"small": kept})),
        (page, "speed-small", report.speed_report(kept)),
    ):
        assert path.read_text(encoding="utf-8") == f"<!-- {name}:begin -->\n{figures}\n<!-- {name}:end -->\n"


def test_refuses_a_page_without_a_place(results: Path) -> None:
    readme, page = place(results, "README.md", "speed"), place(results, "page.md", "http")
    report.keep("speed-small", speed())
    before = page.read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="no place for the speed-small figures"):
        report.render(readme, page)
    assert page.read_text(encoding="utf-8") == before


def test_the_kept_figures_are_what_is_quoted(tmp_path: Path) -> None:
    quoting = (ROOT / "README.md", ROOT / "docs" / "benchmarks.md")
    readme, page = (Path(shutil.copy(path, tmp_path)) for path in quoting)
    report.render(readme, page)
    for written, path in zip((readme, page), quoting, strict=True):
        assert written.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")

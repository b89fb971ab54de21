"""The card and the README quote the figures that are kept, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

from typer.testing import CliRunner

from training.__main__ import app

ROOT = Path(__file__).parents[2]


def test_card_and_readme_are_as_the_kept_figures_make_them(tmp_path: Path) -> None:
    card, readme = (Path(shutil.copy(ROOT / name, tmp_path)) for name in ("MODEL_CARD.md", "README.md"))
    results = str(ROOT / "training/results")
    made = CliRunner().invoke(app, ["card", "--results", results, "--into", str(card), "--readme", str(readme)])
    assert made.exit_code == 0, made.output
    for written in (card, readme):
        assert written.read_text(encoding="utf-8") == (ROOT / written.name).read_text(encoding="utf-8")

"""What is measured is what an installation adds."""

from __future__ import annotations

from pathlib import Path

from benchmarks.footprint import disk_sizes


def test_counts_blocks_by_package_and_no_link_twice(tmp_path: Path) -> None:
    packages = tmp_path / "lib/python3.12/site-packages"
    for name, size in {"engine/core.so": 9000, "engine/data/x.bin": 5000, "thin.py": 10}.items():
        path = packages / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").write_bytes(b"x" * 100)
    (tmp_path / "lib64").symlink_to(tmp_path / "lib")

    sizes = disk_sizes(tmp_path)
    assert set(sizes) == {"engine", "thin.py", "other"}
    assert sizes["engine"] == _blocks(packages / "engine/core.so") + _blocks(packages / "engine/data/x.bin")
    assert sizes["other"] == _blocks(tmp_path / "bin/python")
    assert not sizes - sizes


def _blocks(path: Path) -> int:
    return path.stat().st_blocks * 512

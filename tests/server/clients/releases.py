"""The releases of the two official clients that are tried, a gradio, and a folder with each of them.

They are the ones at which something changed: a route, a field, an exception, the answer that is understood. They are
installed by their packages' names, into build/clients, where they stay.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CACHE = Path(__file__).parents[3] / "build" / "clients"

_JS_CACHE = CACHE / "js"

HUB = (
    *("0.17.3", "0.20.3", "0.23.5", "0.24.7", "0.26.5", "0.28.1", "0.30.2", "0.36.2"),
    *("1.0.1", "1.1.4", "1.1.5", "1.2.4", "1.33.0", "2.4.0"),
)
JS = (
    *("2.0.0", "2.6.4", "2.6.7", "2.8.1", "3.1.3", "3.3.0", "3.3.1", "3.7.0"),
    *("3.7.1", "4.0.0", "4.4.0", "4.5.0", "4.13.30"),
)

GRADIO = "6.31.0"

HAS_NODE = shutil.which("node") is not None and shutil.which("npm") is not None


def hub_folder(version: str) -> Path:
    """Return what goes on PYTHONPATH for a release of huggingface_hub."""
    return CACHE / "hub" / version


def js_package(version: str) -> Path:
    """Return the folder of a release of @huggingface/inference."""
    return _JS_CACHE / "node_modules" / f"inference-{version}"


def js_file(version: str) -> Path:
    """Return what is imported for a release of @huggingface/inference."""
    main: str = json.loads((js_package(version) / "package.json").read_text(encoding="utf-8"))["main"]
    return js_package(version) / main


def gradio_folder() -> Path:
    """Return what goes on PYTHONPATH for gradio, with all that it needs."""
    return CACHE / "gradio" / GRADIO


def fetch() -> None:
    """Install what is not there yet; without Node.js, only what is written in Python."""
    with ThreadPoolExecutor(4) as pool:
        installing = [
            pool.submit(_install, gradio_folder(), f"gradio=={GRADIO}"),
            *(
                pool.submit(_install, hub_folder(release), f"huggingface_hub=={release}", "--no-deps")
                for release in HUB
            ),
        ]
    for each in installing:
        each.result()
    if HAS_NODE:
        _fetch_js()


def _fetch_js() -> None:
    wanted = {f"inference-{version}": f"npm:@huggingface/inference@{version}" for version in JS}
    manifest = _JS_CACHE / "package.json"
    if not manifest.is_file() or json.loads(manifest.read_text(encoding="utf-8"))["dependencies"] != wanted:
        _JS_CACHE.mkdir(parents=True, exist_ok=True)
        _run(
            "npm",
            "install",
            "--prefix",
            str(_JS_CACHE),
            "--no-save",
            "--silent",
            "--ignore-scripts",
            *(f"{name}@{package}" for name, package in wanted.items()),
        )
        manifest.write_text(json.dumps({"dependencies": wanted}), encoding="utf-8")


def _install(folder: Path, package: str, *options: str) -> None:
    if folder.is_dir():
        return
    partial = folder.with_name(f"{folder.name}.partial")
    _run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--upgrade", *options),
        *("--target", str(partial), package),
    )
    partial.rename(folder)


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} … failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    fetch()

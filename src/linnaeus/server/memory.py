"""Which models are in memory: loaded one after another, and unloaded when another one needs their room."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

import anyio.to_thread
from pydantic import ByteSize

from linnaeus.classifier import Classifier
from linnaeus.errors import ModelError
from linnaeus.models.catalogue import model_folder
from linnaeus.models.mean import part_folders
from linnaeus.models.weights import weight_files
from linnaeus.server.metrics import Metrics

log = logging.getLogger(__name__)

#: Makes a classifier of a model's name or folder.
Load = Callable[[str], Classifier]

#: Weights in int8 take a quarter of what they take in fp32, and no form takes less.
SMALLEST_SHARE = 4


class TooLargeError(ModelError):
    """Raised for a model that the memory budget has no room for."""


@dataclass(frozen=True, slots=True)
class Files:
    """What a model would be loaded from: a digest that changes when a file does, and the size of the weights."""

    digest: str
    weight_bytes: int

    @classmethod
    def of(cls, source: str) -> Files:
        """Look at the files of a model now; those of a hub id are fetched if there are newer ones.

        Raises:
            ModelError: they are not to be had, or there are no weights among them.
        """
        folder = model_folder(source)
        parts = part_folders(folder)
        weights = [path for part in parts for path in weight_files(part)]
        beside = [path for each in {folder, *parts} for path in each.iterdir()]
        found = sorted({path.resolve() for path in (*beside, *weights) if path.is_file()})
        stamps = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in found]
        digest = hashlib.sha256(repr(stamps).encode()).hexdigest()
        return cls(digest, sum(path.stat().st_size for path in weights))


@dataclass(slots=True, eq=False)
class Resident:
    """A model in memory.

    Attributes:
        files: the digest of what it was loaded from.
        load_seconds: how long that took.
        users: how many requests it is answering.
        last_used: when it last answered a request, or was loaded.
        retired: whether it takes no more requests and goes once those that it has are answered.
    """

    name: str
    classifier: Classifier
    files: str
    load_seconds: float
    users: int = 0
    last_used: float = field(default_factory=monotonic)
    retired: bool = False
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def weight_bytes(self) -> int:
        return self.classifier.model.engine.weight_bytes

    @property
    def revision(self) -> str:
        return self.classifier.model.revision

    @property
    def compute_type(self) -> str:
        return "gpu" if "cuda" in self.classifier.model.engine.description.lower() else "cpu"


class Memory:
    """Holds the loaded models, within `budget` bytes of weights if there is one.

    The counts are kept on the event loop; only looking at files and loading them happen in a thread.
    """

    def __init__(self, budget: int | None, load: Load, metrics: Metrics) -> None:
        self.budget = budget
        self._load = load
        self.metrics = metrics
        self._residents: list[Resident] = []
        # What models took, by the digest of their files: known once they were loaded.
        self._weighed: dict[str, int] = {}
        #: To be held while loading: two models at a time would need memory that neither was promised.
        self.turn = asyncio.Lock()

    @property
    def bytes(self) -> int:
        return sum(resident.weight_bytes for resident in self._residents)

    def resident(self, name: str) -> Resident | None:
        """Return the model of that name that takes requests; of an old and a new one, the new one."""
        return next((each for each in reversed(self._residents) if each.name == name and not each.retired), None)

    async def fetch(self, source: str) -> None:
        """Have the files of a model ready. That may take long, but no memory, and so waits for no turn.

        Raises:
            ModelError: they are not to be had.
        """
        await anyio.to_thread.run_sync(model_folder, source)

    async def load(
        self, name: str, source: str, *, replaced: Resident | None = None, may_unload: bool = True
    ) -> Resident | None:
        """Load a model, after unloading as many others as need be; the one longest unused goes first.

        Args:
            name: what the model is called in the log and the metrics.
            source: its name or folder.
            replaced: the model as it is loaded now, which stays; if its files have not changed, there is nothing to do.
            may_unload: whether others may be unloaded; if not, the model is loaded only if there is room.

        Returns:
            The loaded model, or nothing if there was nothing to do or no room.

        Raises:
            TooLargeError: it does not fit, whatever is unloaded.
            LinnaeusError: it cannot be loaded.
        """
        files = await anyio.to_thread.run_sync(Files.of, source)
        if replaced is not None and replaced.files == files.digest:
            return None
        weight = self._weighed.get(files.digest)
        self._check(weight or files.weight_bytes // SMALLEST_SHARE, replaced)
        if not await self._find_room(name, weight or files.weight_bytes, replaced, may_unload=may_unload):
            return None
        start = monotonic()
        classifier = await anyio.to_thread.run_sync(self._load, source)
        seconds = monotonic() - start
        weight = self._weighed[files.digest] = classifier.model.engine.weight_bytes
        self._check(weight, replaced)
        if not await self._find_room(name, weight, replaced, may_unload=may_unload):
            return None
        resident = Resident(name, classifier, files.digest, seconds)
        self._residents.append(resident)
        self.metrics.model_loads.labels(name).inc()
        self.metrics.model_load_seconds.labels(name).set(seconds)
        return resident

    @contextmanager
    def use(self, resident: Resident) -> Iterator[None]:
        """Keep a model in memory until the context ends."""
        resident.users += 1
        try:
            yield
        finally:
            resident.users -= 1
            resident.last_used = monotonic()
            self._release(resident)

    def retire(self, resident: Resident) -> None:
        """Let a model go once what it has been asked is answered."""
        resident.retired = True
        self._release(resident)

    def _release(self, resident: Resident) -> None:
        if resident.retired and not resident.users:
            self._residents.remove(resident)
            self.metrics.model_unloads.labels(resident.name).inc()
            resident.gone.set()

    def _fits(self, weight: int) -> bool:
        return self.budget is None or self.bytes + weight <= self.budget

    def _check(self, weight: int, replaced: Resident | None) -> None:
        kept = replaced.weight_bytes if replaced is not None else 0
        if self.budget is not None and weight + kept > self.budget:
            needed, allowed = (ByteSize(size).human_readable(decimal=True) for size in (weight + kept, self.budget))
            what = "it and the one that it replaces need at least" if kept else "it needs at least"
            raise TooLargeError(f"{what} {needed}, and --memory allows {allowed}: allow more or serve a smaller one.")

    async def _find_room(self, name: str, weight: int, kept: Resident | None, *, may_unload: bool) -> bool:
        """Say whether to go on with a model, after unloading others if that is allowed."""
        if may_unload:
            await self._make_room(weight, kept)
        elif not self._fits(weight):
            log.info("Model %s waits for a request: there is no room for it beside the others", name)
            return False
        return True

    async def _make_room(self, weight: int, kept: Resident | None) -> None:
        while not self._fits(weight):
            others = [resident for resident in self._residents if resident is not kept]
            if not others:
                return
            # Those that are going already, then those that nobody waits for.
            resident = min(others, key=lambda each: (not each.retired, each.users > 0, each.last_used))
            if not resident.retired:
                log.info("Model %s makes room", resident.name)
                self.retire(resident)
            await resident.gone.wait()
            del others, resident
            # A tokenizer and what it remembers refer to each other.
            gc.collect()

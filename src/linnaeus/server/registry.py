"""Which models this server has, by what names, and whether they are ready."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from time import monotonic

import anyio
import anyio.to_thread

from linnaeus.classifier import Classifier
from linnaeus.errors import LinnaeusError
from linnaeus.server.errors import RefusedError
from linnaeus.server.metrics import Metrics

log = logging.getLogger(__name__)

#: How long loading takes, as far as is known before the first time.
EXPECTED_SECONDS = 20.0

#: After a failure the next try is made no sooner.
RETRY_SECONDS = 30.0


class State(str, Enum):
    IDLE = "idle"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


class ServedModel:
    """One model: loaded at most once, in a thread of its own, while everything else goes on."""

    def __init__(self, source: str, load: Callable[[str], Classifier], metrics: Metrics) -> None:
        # A folder's path is the operator's business.
        self.name = Path(source).name
        self._source = source
        self.classifier: Classifier | None = None
        self.failure = ""
        self._load = load
        self._metrics = metrics
        self._settled = asyncio.Event()
        self._since = monotonic()
        self._task: asyncio.Task[None] | None = None
        self._enter(State.IDLE)

    @property
    def state(self) -> State:
        return self._state

    @property
    def revision(self) -> str | None:
        return self.classifier.model.revision if self.classifier else None

    @property
    def compute_type(self) -> str:
        return "gpu" if self.classifier and "cuda" in self.classifier.model.engine.description.lower() else "cpu"

    def start(self) -> None:
        """Start to load the model, unless it is loaded, loading, or has failed just now."""
        failed_long_ago = self._state is State.FAILED and monotonic() - self._since > RETRY_SECONDS
        if self._state is State.IDLE or failed_long_ago:
            self._settled.clear()
            self._enter(State.LOADING)
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def ready(self, asked_as: str, *, may_start: bool, patience: float) -> Classifier:
        """Return the classifier, waiting for it `patience` seconds at most; refuse in the name it was `asked_as`.

        Raises:
            RefusedError: it is not ready, with status 503, or could not be loaded, with status 500.
        """
        if self.classifier is not None:
            return self.classifier
        if may_start:
            self.start()
        with anyio.move_on_after(patience):
            await self._settled.wait()
        if self.classifier is not None:
            return self.classifier
        if self._state is State.FAILED:
            raise RefusedError(500, f"Model {asked_as} could not be loaded: {self.failure}")
        raise self._not_ready(asked_as)

    def _not_ready(self, asked_as: str) -> RefusedError:
        if self._state is State.IDLE:
            sentence = f"Model {asked_as} is not loaded: ask without x-load-model: 0 to load it"
            remaining = EXPECTED_SECONDS
        else:
            sentence = f"Model {asked_as} is currently loading"
            remaining = max(1.0, EXPECTED_SECONDS - (monotonic() - self._since))
        seconds = round(remaining, 1)
        return RefusedError(503, sentence, {"Retry-After": str(round(seconds))}, estimated_time=seconds)

    async def _run(self) -> None:
        try:
            self.classifier = await anyio.to_thread.run_sync(self._load, self._source)
        except Exception as error:
            # A sentence of ours can be shown to a client; of anything else the log has the details.
            self.failure = str(error) if isinstance(error, LinnaeusError) else "see the server's log."
            log.exception("Model %s could not be loaded", self.name)
            self._enter(State.FAILED)
        else:
            log.info("Model %s is ready (%s)", self.name, self.classifier.model.engine.description)
            self._enter(State.READY)
        self._settled.set()

    def _enter(self, state: State) -> None:
        self._state = state
        self._since = monotonic()
        for each in State:
            self._metrics.model_state.labels(self.name, each.value).set(each is state)


class Registry:
    """The served models by every name that a request may use.

    Args:
        default: the model that answers where a request names none, or names ``default``.
        aliases: other names, each with the model that answers: a bundled one, ``default``, or a folder.
        bundled: models that may be asked by their own name.
        load: makes a classifier of a bundled model's name or a folder.
    """

    def __init__(
        self,
        default: str,
        aliases: Mapping[str, str],
        bundled: Sequence[str],
        load: Callable[[str], Classifier],
        metrics: Metrics,
    ) -> None:
        sources = {name: name for name in bundled} | {"default": default}
        sources |= {alias: sources.get(source, source) for alias, source in aliases.items()}
        self.models = {source: ServedModel(source, load, metrics) for source in sorted(set(sources.values()))}
        # What an answer names as its model may be asked by that name.
        self._by_name = {model.name: model for model in self.models.values()}
        self._by_name |= {name: self.models[source] for name, source in sources.items()}
        self._named = {self._by_name[name] for name in ("default", *aliases)}

    @property
    def names(self) -> Mapping[str, ServedModel]:
        return self._by_name

    def preload(self) -> None:
        """Start to load what the operator named; a bundled model that nobody named waits until it is asked."""
        for model in self._named:
            model.start()

    def find(self, name: str) -> ServedModel:
        """Return the model of that name.

        Raises:
            RefusedError: there is none, with status 404.
        """
        model = self._by_name.get(name)
        if model is None:
            raise RefusedError(
                404,
                f"Model {name} is not loaded: use one of {', '.join(sorted(self._by_name))}, or start the server with "
                f"--alias {name}=default to have its default model answer.",
            )
        return model

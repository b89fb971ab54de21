"""Which models this server has, and by what names."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from linnaeus.errors import InputError
from linnaeus.models.catalogue import DEFAULT, local_folder
from linnaeus.models.hub import is_hub_name
from linnaeus.server.errors import RefusedError
from linnaeus.server.memory import Memory
from linnaeus.server.metrics import Metrics
from linnaeus.server.served import ServedModel, State


class Registry:
    """The served models by every name that a request may use.

    Args:
        models: what the operator serves: bundled models, folders, hub ids. The first answers where a request names
            none, or names ``default``.
        aliases: other names, each with what answers: a name of one of `models`, or a further model.
        bundled: models that may be asked by their own name although the operator named none of them.
        memory: where they are loaded.
        metrics: where their states are reported.

    Raises:
        InputError: two models would have one name.
    """

    def __init__(
        self,
        models: Sequence[str],
        aliases: Mapping[str, str],
        bundled: Iterable[str],
        memory: Memory,
        metrics: Metrics,
    ) -> None:
        self.memory = memory
        self.models: list[ServedModel] = []
        self.names: dict[str, ServedModel] = {}
        self._sources: dict[str, ServedModel] = {}
        self._metrics = metrics
        self._preloading: asyncio.Task[None] | None = None
        self.names["default"] = self._serve(models[0])
        for source in models[1:]:
            self._serve(source)
        for alias, target in aliases.items():
            model = self.names.get(target) or self._serve(target)
            if self.names.setdefault(alias, model) is not model:
                raise InputError("aliases", f"give the name {alias} to a second model: choose another.")
        #: What the operator named; a bundled model that nobody named waits until it is asked.
        self._named = list(self.models)
        for name in bundled:
            if name not in self.names:
                self._serve(name)

    @property
    def sources(self) -> Iterable[str]:
        """What the models are loaded from."""
        return self._sources

    def preload(self) -> None:
        """Start to load what the operator named, in that order, as far as there is room."""
        self._preloading = asyncio.get_running_loop().create_task(self._preload())

    async def _preload(self) -> None:
        for model in self._named:
            model.start(may_unload=False)
            await model.settled()

    def refresh(self) -> None:
        """Look for new files of every model that was asked for, and load what has changed or failed."""
        for model in self.models:
            model.refresh()

    def find(self, name: str) -> ServedModel:
        """Return the model of that name.

        Raises:
            RefusedError: there is none, with status 404.
        """
        model = self.names.get(name)
        if model is None:
            raise RefusedError(
                404,
                f"Model {name} is not loaded: use one of {', '.join(sorted(self.names))}, or start the server with "
                f"--alias {name}=default to have its default model answer.",
            )
        return model

    def _serve(self, source: str) -> ServedModel:
        source = DEFAULT if source == "default" else source
        if source in self._sources:
            return self._sources[source]
        name = _served_name(source)
        if name in self.names:
            raise InputError("models", f"give the name {name} to a second model: rename its folder.")
        model = self._sources[source] = ServedModel(name, source, self.memory)
        self.models.append(model)
        self.names[name] = model
        # A hub id is asked without its revision too; of several revisions the first one answers then.
        self.names.setdefault(name.partition("@")[0], model)
        self._report(model)
        return model

    def _report(self, model: ServedModel) -> None:
        metrics = self._metrics
        for counter in (metrics.model_loads, metrics.model_unloads, metrics.model_load_failures):
            counter.labels(model.name)
        for state in State:
            metrics.model_state.labels(model.name, state.value).set_function(partial(_is_in, model, state))
        metrics.model_weight_bytes.labels(model.name).set_function(partial(_weight_bytes, model))


def _served_name(source: str) -> str:
    """Return a hub id as it is, and of a folder the last part: the rest of its path is the operator's business."""
    return source if is_hub_name(source) and local_folder(source) is None else Path(source).absolute().name


def _is_in(model: ServedModel, state: State) -> bool:
    return model.state is state


def _weight_bytes(model: ServedModel) -> int:
    return model.resident.weight_bytes if model.resident is not None else 0

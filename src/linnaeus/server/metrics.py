"""What the server counts, for Prometheus to read at /metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from linnaeus.engines.base import Engine, Reading
from linnaeus.loading import Model

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "Requests answered.", "endpoint", "status")
        self.request_seconds = self._histogram("request_seconds", "From a request's head to its answer.", _SECONDS)
        self.texts = self._counter("texts", "Texts classified, from the cache or not.", "model")
        self.labels = self._counter("labels", "Candidate labels asked.", "model")
        self.cache_hits = self._counter("cache_hits", "Texts answered from the cache.")
        self.cache_misses = self._counter("cache_misses", "Texts that were computed.")
        self.cache_bytes = self._gauge("cache_bytes", "Memory held by the cache.")
        self.waiting = self._gauge("queue_requests", "Requests that wait for a thread.")
        self.queue_seconds = self._histogram("queue_seconds", "How long requests waited for a thread.", _SECONDS)
        self.compute_seconds = self._histogram(
            "compute_seconds", "How long requests were computed, their batches shared with others.", _SECONDS
        )
        self.batch_readings = self._histogram("batch_readings", "Pairs of a text and labels in a batch.", _SIZES)
        self.batch_seconds = self._histogram("batch_seconds", "How long the engine took for a batch.", _SECONDS)
        self.model_state = self._gauge("model_state", "1 for the state that a model is in.", "model", "state")
        self.model_weight_bytes = self._gauge("model_weight_bytes", "Memory held by a model's weights.", "model")
        self.model_loads = self._counter("model_loads", "How often a model was loaded.", "model")
        self.model_unloads = self._counter("model_unloads", "How often it was unloaded or replaced.", "model")
        self.model_load_failures = self._counter("model_load_failures", "How often it could not be loaded.", "model")
        self.model_load_seconds = self._gauge("model_load_seconds", "How long its last loading took.", "model")

    def observe(self, model: Model) -> Model:
        """Return `model` with an engine that reports its batches."""
        return replace(model, engine=_ObservedEngine(model.engine, self))

    def count_answers(self, model: str, texts: int, labels: int, computed: int, seconds: float | None) -> None:
        """Count one answered request, of whose texts so many were computed."""
        self.texts.labels(model).inc(texts)
        self.labels.labels(model).inc(labels)
        self.cache_hits.inc(texts - computed)
        self.cache_misses.inc(computed)
        if seconds is not None:
            self.compute_seconds.observe(seconds)

    def read_gauges(self, cache_bytes: Callable[[], float], waiting: Callable[[], float]) -> None:
        """Let two gauges be read where they are kept, when they are asked for."""
        self.cache_bytes.set_function(cache_bytes)
        self.waiting.set_function(waiting)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"linnaeus_{name}", help_text, labels, registry=self.registry)

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"linnaeus_{name}", help_text, labels, registry=self.registry)

    def _histogram(self, name: str, help_text: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(f"linnaeus_{name}", help_text, registry=self.registry, buckets=buckets)


class _ObservedEngine:
    def __init__(self, engine: Engine, metrics: Metrics) -> None:
        self._engine = engine
        self._metrics = metrics

    @property
    def description(self) -> str:
        return self._engine.description

    @property
    def weight_bytes(self) -> int:
        return self._engine.weight_bytes

    def logits(self, readings: Sequence[Reading]) -> list[NDArray[np.float32]]:
        start = perf_counter()
        try:
            return self._engine.logits(readings)
        finally:
            self._metrics.batch_readings.observe(len(readings))
            self._metrics.batch_seconds.observe(perf_counter() - start)

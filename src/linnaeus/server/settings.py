"""What an operator may choose, from the command line or from the environment (``LINNAEUS_PORT=8099``)."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ByteSize, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from typing_extensions import Self

from linnaeus.classifier import LongText
from linnaeus.errors import InputError
from linnaeus.loading import Device, Precision
from linnaeus.server.dialects import Shape


class ServerSettings(BaseSettings):
    """The settings of one server.

    Raises:
        pydantic.ValidationError: a value cannot be used, or the server would be open to everyone by oversight.
    """

    model_config = SettingsConfigDict(env_prefix="LINNAEUS_", extra="ignore", frozen=True)

    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    models: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("default",),
        min_length=1,
        description="The models: bundled ones, folders, hub ids. The first answers where a request names none.",
    )
    aliases: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict, description="Names that clients may use, each with the model or folder that answers."
    )
    device: Device = Field(default="auto", description="cpu, cuda or auto.")
    precision: Precision = Field(default="auto", description="fp32, bf16, int8 or auto.")
    preload: bool = Field(default=True, description="Load the models at the start, not at the first request.")
    memory: ByteSize | None = Field(default=None, gt=0, description="Memory for the weights of all models together.")
    tokens: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Bearer tokens that may use the server."
    )
    token_file: Path | None = Field(default=None, description="A file of tokens, read again whenever it changes.")
    open_to_all: bool = Field(default=False, description="Listen on a public address although no token is asked for.")
    response: Shape = Field(default=Shape.LIST, description="The shape of answers to clients that are not recognised.")
    long_text: LongText = Field(
        default="cut", description="Whether a long text loses its end or is read in windows, unless a request says."
    )
    hold_seconds: float = Field(
        default=3.0, ge=0, description="How long a request waits for a loading model before a 503."
    )
    wait_seconds: float = Field(default=300.0, ge=0, description="The same, for requests with x-wait-for-model: true.")
    cache_bytes: int = Field(default=64 * 2**20, ge=0, description="Memory for answers that are kept; 0 keeps none.")
    # Ten million characters, each escaped as in \u00e9, and some labels.
    max_body_bytes: int = Field(default=64 * 2**20, gt=0, description="The largest request body.")
    max_held_bytes: int = Field(default=2**30, gt=0, description="Memory for all request bodies at a time.")
    max_scores: int = Field(default=1_000_000, gt=0, description="The most texts times labels in one request.")
    max_waiting: int = Field(
        default=256, gt=0, description="Requests that may wait for a thread before others get a 429."
    )
    threads: int = Field(default=32, gt=0, description="Requests that are computed at a time; they share batches.")
    log: Literal["auto", "text", "json"] = Field(default="auto", description="Log lines for people or programs.")
    quiet: bool = Field(default=False, description="Write no line for each request.")

    @field_validator("aliases", mode="before")
    @classmethod
    def _split_aliases(cls, value: object) -> object:
        if isinstance(value, str):
            value = [part for part in value.split(",") if part.strip()]
        if not isinstance(value, list | tuple):
            return value
        pairs = [str(part).partition("=") for part in value]
        if not all(name.strip() and target.strip() for name, _, target in pairs):
            raise ValueError("write each alias as NAME=MODEL, as in facebook/bart-large-mnli=default")
        return {name.strip(): target.strip() for name, _, target in pairs}

    @field_validator("models", "tokens", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            value = value.split(",")
        return tuple(part.strip() for part in value if part.strip()) if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _guard(self) -> Self:
        if not (is_loopback(self.host) or self.tokens or self.token_file or self.open_to_all):
            raise ValueError(
                f"{self.host} can be reached from other machines and no token is asked for: set a token or a token "
                "file, or say --open-to-all"
            )
        return self


def read_settings(chosen: Mapping[str, Any]) -> ServerSettings:
    """Return what was chosen, and for the rest what the environment says.

    Raises:
        InputError: a value cannot be used; of several mistakes the first is told.
    """
    try:
        return ServerSettings(**chosen)
    except ValidationError as error:
        mistake = error.errors()[0]
        field = str(mistake["loc"][0]) if mistake["loc"] else "host"
        problem = mistake["msg"].removeprefix("Value error, ")
        raise InputError(field, f"cannot be used: {problem[0].lower()}{problem[1:]}.") from None


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach `host`; of a name other than localhost that is not known."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"

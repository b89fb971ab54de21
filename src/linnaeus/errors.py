"""Every error that Linnaeus raises on purpose.

    LinnaeusError
    ├── InputError              what was asked cannot be answered: the caller's to mend
    ├── ModelError              a checkpoint is missing, damaged, or of a kind not supported
    │   └── UnknownModelError   no model of that name is to be had here
    └── EngineError             this machine cannot run what was chosen

A message is one sentence that names the field and the way out. The server answers an `InputError` with status 400 and
an `UnknownModelError` with 404; the command line ends with exit code 2 after an `InputError` and 1 after the rest.
"""

from __future__ import annotations

from collections.abc import Mapping


class LinnaeusError(Exception):
    """Base of all errors below; catch it to catch them all."""


class InputError(LinnaeusError, ValueError):
    """Raised for texts, labels, a template or an option that cannot be used.

    It is a `ValueError` as well, since that is what the transformers pipeline raises.

    Attributes:
        field: the argument at fault, as in ``candidate_labels[2]``.
        problem: the rest of the sentence, so that a caller who knows the argument by another name can say that one.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        self.problem = problem

    def renamed(self, names: Mapping[str, str]) -> InputError:
        """Return the same error with the field called as `names` has it."""
        root, bracket, index = self.field.partition("[")
        return InputError(f"{names.get(root, root)}{bracket}{index}", self.problem)


class ModelError(LinnaeusError):
    """Raised for a checkpoint that is missing, damaged, or of a kind that is not supported."""


class UnknownModelError(ModelError):
    """Raised for a name that is no bundled model, no folder, no alias and no model of the Hub."""


class EngineError(LinnaeusError):
    """Raised for a device or precision that this machine, or this installation, does not have."""

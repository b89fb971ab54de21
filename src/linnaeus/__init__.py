"""Zero-shot text classification that people run themselves.

>>> from linnaeus import Classifier
>>> classify = Classifier()
>>> classify("I want my money back.", ["refund", "praise"])["labels"]
['refund', 'praise']
"""

from typing import TYPE_CHECKING

from linnaeus.errors import EngineError, InputError, LinnaeusError, ModelError, UnknownModelError
from linnaeus.labels import Label

if TYPE_CHECKING:
    from linnaeus.classifier import Classification, Classifier
else:

    def __getattr__(name: str) -> object:
        # Imported when asked for, as NumPy and the tokenizers take a while that ``linnaeus --help`` need not wait.
        if name in {"Classification", "Classifier"}:
            from linnaeus import classifier

            return getattr(classifier, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__version__ = "0.1.0"

__all__ = [
    "Classification",
    "Classifier",
    "EngineError",
    "InputError",
    "Label",
    "LinnaeusError",
    "ModelError",
    "UnknownModelError",
]

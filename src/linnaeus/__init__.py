"""Zero-shot text classification that people run themselves.

>>> from linnaeus import Classifier
>>> classify = Classifier()
>>> classify("I want my money back.", ["refund", "praise"])["labels"]
['refund', 'praise']
"""

from linnaeus.classifier import Classification, Classifier
from linnaeus.errors import EngineError, InputError, LinnaeusError, ModelError, UnknownModelError
from linnaeus.labels import Label

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

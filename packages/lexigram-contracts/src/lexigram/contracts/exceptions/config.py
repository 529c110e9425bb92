"""Errors of configuration.

* ConfigurationError CFG_001

The code is ``LEX_ERR_CFG_001``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from lexigram.contracts.exceptions.base import LexigramError

__all__ = ["ConfigurationError"]


class ConfigurationError(LexigramError):
    """The configuration is not valid.

    Attributes:
        key: Dotted path of the setting concerned; None when it is the whole.
        source: Where the value came from, such as a file and its line, or an environment variable.
    """

    _code: ClassVar[str] = "LEX_ERR_CFG_001"

    def __init__(
        self, message: str | None = None, *args: Any, key: str | None = None, source: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.key = key
        self.source = source

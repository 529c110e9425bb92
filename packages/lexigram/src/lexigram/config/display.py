"""How values of a configuration are shown to people: secrets masked, everything else in full."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta
from enum import Enum
from pathlib import PurePath
from typing import Any, cast

from pydantic import SecretBytes, SecretStr
from pydantic_core import Url

from lexigram.config.secrets import MASK, is_secret_name, mask_text, mask_url
from lexigram.config.tree import is_mapping

__all__ = ["describe_value", "is_masked", "shown"]

_URL_NAME = re.compile(r"(?:^|[_.\-])(?:uri|url|dsn|connection_string)$", re.IGNORECASE)
_LONGEST = 60


def shown(value: Any, name: str = "", *, secret: bool = False) -> Any:
    """A value as it may be shown.

    Args:
        value: A value of a configuration.
        name: The last part of its key; a telling name is enough to hide a text.
        secret: It is known to be secret.

    Returns:
        Plain data that JSON takes, with secrets replaced by ``**********``. Lists and mappings are new.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, SecretStr | SecretBytes):
        return MASK if value.get_secret_value() else ""
    if isinstance(value, Enum):
        return shown(value.value, name, secret=secret)
    if is_mapping(value):
        return {str(key): shown(item, str(key), secret=secret) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [shown(item, name, secret=secret) for item in cast("Iterable[Any]", value)]
    if secret:
        return MASK
    if isinstance(value, str | int | float) and value != "" and is_secret_name(name):
        return MASK
    if isinstance(value, str):
        return mask_url(value) if _URL_NAME.search(name) else mask_text(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, PurePath | timedelta | Url | type):
        return mask_text(str(value))
    return mask_text(repr(value))


def is_masked(value: Any, name: str = "", *, secret: bool = False) -> bool:
    """Whether showing a value hides all or part of it.

    Args:
        value: A single value, not a list or mapping.
        name: The last part of its key.
        secret: It is known to be secret.

    Returns:
        True if so.
    """
    return isinstance(value, SecretStr | SecretBytes) or MASK in str(shown(value, name, secret=secret))


def describe_value(value: Any, name: str = "", *, secret: bool = False) -> str:
    """A value's kind and, unless it is secret, the value, for messages.

    Args:
        value: A value.
        name: The last part of its key.
        secret: It is known to be secret.

    Returns:
        Such as ``text 'many'`` or ``a secret text``.
    """
    kind = _kind(value)
    if is_mapping(value) or value is None:
        return kind
    text = shown(value, name, secret=secret)
    if text == MASK:
        return f"a secret {kind}"
    rendered = repr(text)
    return f"{kind} {rendered if len(rendered) <= _LONGEST else rendered[:_LONGEST] + '…'}"


def _kind(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "truth value"
        case int() | float():
            return "number"
        case str() | SecretStr():
            return "text"
        case list() | tuple():
            return "list"
        case Mapping():
            return "a section"
        case _:
            return type(cast("object", value)).__name__

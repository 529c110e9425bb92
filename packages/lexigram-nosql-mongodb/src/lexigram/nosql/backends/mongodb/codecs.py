"""How documents become BSON and come back: as they went in, without Python code for each value.

Values that BSON has no way of its own for, or that PyMongo gives back as something else, are these:

======================  ===========================  =============================================================
value                   in BSON                      comes back as
======================  ===========================  =============================================================
``Decimal``             Decimal128                   ``Decimal``
``UUID``                binary, subtype 4            ``UUID``
``datetime``            milliseconds in UTC          aware ``datetime`` in UTC; ``DatetimeMS`` outside years 1 to 9999
``int``                 32 or 64 bits as it needs    ``int``; ``Int64`` for one of 64 bits that needs only 32
``bytes``               binary, subtype 0            ``bytes``
``re.Pattern``          regular expression           ``re.Pattern``; ``bson.Regex`` for one without the option ``u``
======================  ===========================  =============================================================

An ``Int64`` that needs all its bits is on the server what an ``int`` of that size is, and nothing there tells them
apart; so it comes back as an ``int``, which is equal to it.

PyMongo's C code asks a table for the class of each decoded value and calls Python for those below only; the encoder
calls Python for values that it does not know itself. Checking documents, and refusing what they may not hold, is done
before, by the portable layer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final, TypeVar, cast

from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion, TypeDecoder, TypeRegistry
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.regex import Regex

__all__ = ["CODEC_OPTIONS", "PLAIN_OPTIONS", "configure_codecs", "plain_integer", "plain_pattern"]

T = TypeVar("T")

_INT32_MIN: Final = -(2**31)
_INT32_MAX: Final = 2**31 - 1


class _Decoder(TypeDecoder):
    """What is done to each decoded value of a class.

    Args:
        cls: The class that PyMongo makes.
        transform: Called with the value. It stands in the instance, so that C code calls C code where it is some.
    """

    def __init__(self, cls: type[Any], transform: Callable[[Any], Any]) -> None:
        self._cls = cls
        self.transform_bson = transform  # type: ignore[method-assign, assignment]

    @property
    def bson_type(self) -> type[Any]:
        return self._cls

    def transform_bson(self, value: Any) -> Any:
        raise NotImplementedError


def plain_integer(value: Int64) -> int:
    """An int, where an int would have been stored with 64 bits too."""
    return value if _INT32_MIN <= value <= _INT32_MAX else int(value)


def plain_pattern(value: Regex[Any]) -> Any:
    """A pattern, where it was one: Python's have the flag for Unicode, which PyMongo stores, and others do not."""
    if not value.flags & re.UNICODE:
        return value
    try:
        return value.try_compile()
    except re.error:
        return value


_DECODERS: Final = (
    _Decoder(Decimal128, Decimal128.to_decimal),
    _Decoder(datetime, partial(datetime.replace, tzinfo=UTC)),
    _Decoder(Int64, plain_integer),
    _Decoder(Regex, plain_pattern),
)


def _encode(value: Any) -> Any:
    """What stands for a value that BSON does not know."""
    return Decimal128(value) if isinstance(value, Decimal) else value


CODEC_OPTIONS: Final[CodecOptions[dict[str, Any]]] = CodecOptions(
    uuid_representation=UuidRepresentation.STANDARD,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    type_registry=TypeRegistry(_DECODERS, fallback_encoder=_encode),
)
"""How this backend encodes and decodes."""

PLAIN_OPTIONS: Final[CodecOptions[dict[str, Any]]] = CODEC_OPTIONS.with_options(
    type_registry=TypeRegistry(fallback_encoder=_encode)
)
"""The same without decoders: :mod:`~lexigram.nosql.backends.mongodb.restoring` does their work on what comes back."""


def configure_codecs(handle: T) -> T:
    """The same database or collection, with documents as Lexigram's stores give and take them.

    Args:
        handle: A database or collection of motor or PyMongo, such as ``store.native``.

    Returns:
        A new handle on the same.
    """
    given: Any = handle
    return cast("T", given.with_options(codec_options=CODEC_OPTIONS))

"""Tells at a glance which documents need no walk before a backend encodes them.

:func:`~lexigram.nosql.values.normalise.normalise_document` looks at every value, and changes some. Where the backend's
own encoder refuses what a document may not hold, that walk is needed only for values which the encoder would take and
change, or take for something else. This module finds documents without any by the classes of their values, level by
level and all documents at once, so that the interpreter's own loops do the work.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Final

__all__ = ["ID_CLASSES", "all_pass"]

# Dates are cut to milliseconds and taken as UTC by an encoder as well.
_PLAIN: Final = frozenset({str, int, float, bool, type(None), bytes, datetime, uuid.UUID})
_NESTED: Final = _PLAIN | {dict, list}
_STR_ONLY: Final = frozenset({str})
_DICT_ONLY: Final = frozenset({dict})
_MAX_DEPTH: Final = 50
_MANY: Final = 10_000

ID_CLASSES: Final = _PLAIN
"""Classes of an ``_id`` that needs no closer look."""


def all_pass(documents: Sequence[Any]) -> bool:
    """Say whether an encoder that refuses bad values makes the same of documents as of their normalised copies.

    Args:
        documents: Documents, of any class; what their ``_id`` may be, the caller looks at (:data:`ID_CLASSES`).

    Returns:
        True for dicts of plain values, dicts and lists, none of a subclass. What is left for the encoder to refuse:
        ints outside 64 bits, text without a UTF-8 form, NUL in names. False says only that they must be normalised.
    """
    if not _DICT_ONLY.issuperset(map(type, documents)):
        return False
    objects: Sequence[Any] = documents
    arrays: Sequence[Any] = ()
    # A small tree whose parts are shared many times over grows without end when it is laid out.
    most = _MANY + 100 * len(documents)
    for _ in range(_MAX_DEPTH):
        if not _STR_ONLY.issuperset(map(type, chain.from_iterable(objects))):
            return False
        values = [*chain.from_iterable(map(dict.values, objects)), *chain.from_iterable(arrays)]
        classes = set(map(type, values))
        if classes <= _PLAIN:
            return True
        if not classes <= _NESTED or len(objects) + len(arrays) > most:
            return False
        objects = [value for value in values if type(value) is dict] if dict in classes else ()
        arrays = [value for value in values if type(value) is list] if list in classes else ()
    return False

"""Field hints: what the fields of a collection hold, as the configuration promises.

Firestore cannot look into arrays with a range, nor through an array of objects with a dotted path, and knows nothing of
documents that lack a field. So the planner may use such a condition natively only where it knows what the field holds::

    fields:
      orders:
        status: required text
        total: number
        tags: array of text
        address: map
        address.city: text or number

A hint is ``[required] kind [or kind …]``:

==============  ========================================================================================================
kind            what the field may hold, beside null
==============  ========================================================================================================
``text``        a string of at most 1,500 bytes of UTF-8, as much as Firestore's indexes hold
``int``         an int
``number``      an int or a float that is not NaN
``decimal``     a ``Decimal``
``bool``        a bool
``date``        a datetime of whole milliseconds, as this backend stores it
``bytes``       bytes, at most 1,500
``uuid``        a ``UUID``
``scalar``      anything but a list, a dict, and Firestore's own references and geographical points
``map``         a dict
``array``       a list, whose elements are neither lists nor dicts
``array of k``  a list whose elements are of the kind *k*, one of those above ``scalar``
==============  ========================================================================================================

``required`` says that the field is there, and not null. A hint for a dotted path also says that everything on the way
is a dict, or is missing. For ``_id`` the only hint is ``text``: text that is a document id as it stands.

A hint is a promise that is kept: a write that would break one is refused. What was stored before the hint was given, or
is stored by other programs, must keep it too, since the planner relies on it.
"""

# Documents are of any type, and what is narrowed from Any has parts that are unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from lexigram.nosql.backends.firestore.codec.ids import is_plain_id
from lexigram.nosql.backends.firestore.codec.names import encode_name, field_path
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.values.kinds import Kind
from lexigram.nosql.values.path import MISSING, get_path

__all__ = ["ANYTHING", "NO_HINTS", "CollectionHints", "FieldHint", "orders_as_text", "parse_hint", "parse_hints"]

INDEXED_BYTES: Final = 1500
"""How much of a value Firestore's indexes hold (Firestore, "Usage and limits")."""

_SCALARS: Final = frozenset({"text", "int", "float", "nan", "decimal", "bool", "date", "bytes", "uuid", "other"})
_KINDS: Final[Mapping[str, frozenset[str]]] = {
    "text": frozenset({"text"}),
    "int": frozenset({"int"}),
    "number": frozenset({"int", "float"}),
    "decimal": frozenset({"decimal"}),
    "bool": frozenset({"bool"}),
    "date": frozenset({"date"}),
    "bytes": frozenset({"bytes"}),
    "uuid": frozenset({"uuid"}),
    "scalar": _SCALARS,
    "map": frozenset({"map"}),
}
_BSON_KINDS: Final[Mapping[str, frozenset[Kind]]] = {
    "text": frozenset({Kind.STRING}),
    "int": frozenset({Kind.INT, Kind.LONG}),
    "float": frozenset({Kind.DOUBLE}),
    "decimal": frozenset({Kind.DECIMAL}),
    "bool": frozenset({Kind.BOOL}),
    "date": frozenset({Kind.DATE}),
    "bytes": frozenset({Kind.BINARY}),
    "uuid": frozenset({Kind.BINARY}),
    "map": frozenset({Kind.OBJECT}),
}
_CLASSES: Final[Mapping[type, str]] = {
    str: "text",
    int: "int",
    bool: "bool",
    datetime: "date",
    bytes: "bytes",
    UUID: "uuid",
    Decimal: "decimal",
    dict: "map",
    list: "array",
}


@dataclass(frozen=True)
class FieldHint:
    """What one field may hold.

    Attributes:
        text: As it was written.
        kinds: Kinds of values, ``array`` and ``map`` among them.
        elements: Kinds of the elements of an array.
        required: The field is there, and not null.
    """

    text: str
    kinds: frozenset[str]
    elements: frozenset[str] = frozenset()
    required: bool = False

    @cached_property
    def bson_kinds(self) -> frozenset[Kind] | None:
        """The BSON types that the field may have, null among them where it may be; None for any."""
        found = frozenset[Kind]() if self.required else frozenset({Kind.NULL})
        for kind in self.kinds:
            if kind not in _BSON_KINDS:
                return None
            found |= _BSON_KINDS[kind]
        return found

    def problem(self, value: Any) -> str | None:
        """Say what is wrong with a value.

        Args:
            value: What the field holds, normalised; ``MISSING`` for nothing.

        Returns:
            None where the hint allows it.
        """
        if value is MISSING or value is None:
            return "is missing or null" if self.required else None
        kind = _kind(value)
        if kind not in self.kinds:
            return f"holds a value of type {type(value).__name__}"
        if kind == "array":
            for item in value:
                if item is not None and _kind(item) not in self.elements:
                    return f"holds an array with a value of type {type(item).__name__}"
                if _is_long(item, self.elements):
                    return f"holds an array with a value of more than {INDEXED_BYTES} bytes"
        return f"holds more than {INDEXED_BYTES} bytes" if _is_long(value, self.kinds) else None


_ALL: Final = _SCALARS | {"map", "array"}
ANYTHING: Final = FieldHint("", _ALL, _ALL)
"""What a field without a hint may hold."""


def _kind(value: Any) -> str:
    cls = type(value)
    if cls is float:
        return "float" if value == value else "nan"
    return _CLASSES.get(cls, "other")


def _is_long(value: Any, kinds: frozenset[str]) -> bool:
    """True for text or bytes that do not fit in an index, where the hint is about them and not just any scalar."""
    if "other" in kinds or not isinstance(value, str | bytes) or len(value) * 4 <= INDEXED_BYTES:
        return False
    return len(value.encode() if isinstance(value, str) else value) > INDEXED_BYTES


def orders_as_text(identity: Any) -> bool:
    """True for an ``_id`` whose document stands where its text stands: no numeric id, none that is encoded."""
    return is_plain_id(identity) and not identity.startswith("__")


def parse_hint(text: str) -> FieldHint:
    """Read a hint.

    Args:
        text: Such as ``required text``.

    Raises:
        ValueError: It is not one.
    """
    words = text.split()
    required = words[:1] == ["required"]
    kinds: frozenset[str] = frozenset()
    elements: frozenset[str] = frozenset()
    for part in " ".join(words[1:] if required else words).split(" or "):
        name, _, element = part.partition(" of ")
        if name == "array":
            if element and (element not in _KINDS or element in {"scalar", "map"}):
                raise ValueError(_complaint(text))
            kinds |= {"array"}
            elements |= _KINDS[element] if element else _SCALARS
        elif name in _KINDS and not element:
            kinds |= _KINDS[name]
        else:
            raise ValueError(_complaint(text))
    return FieldHint(" ".join(words), kinds, elements, required)


def _complaint(text: str) -> str:
    names = ", ".join(sorted(_KINDS))
    return f"{text!r} is no field hint: write [required] kind [or kind], with kinds {names}, array, array of kind"


class CollectionHints:
    """The hints for one collection.

    Args:
        fields: Hints by path.
    """

    def __init__(self, fields: Mapping[str, FieldHint]) -> None:
        self._fields = dict(fields)
        self._parts = {path: tuple(path.split(".")) for path in fields}
        self.dotted = [parts for parts in self._parts.values() if len(parts) > 1]
        """The hinted paths that lead into maps, in their parts."""
        self.plain_ids = "_id" in self._fields
        """Ids are text that stands for itself."""

    def __bool__(self) -> bool:
        return bool(self._fields)

    def of(self, path: str) -> FieldHint | None:
        """The hint for a path; None for a field of the document itself that has none: it may hold anything.

        A dotted path without a hint gives None too, and the planner must not use it natively.
        """
        return self._fields.get(path)

    def required_paths(self) -> list[str]:
        """The fields that every document has, as requests write their paths."""
        return [
            field_path([encode_name(part) for part in self._parts[path]])
            for path, hint in self._fields.items()
            if hint.required and path != "_id"
        ]

    def check(self, document: Mapping[str, Any]) -> None:
        """Refuse a document that breaks a hint.

        Args:
            document: As it will be stored, normalised.

        Raises:
            DocumentValidationError: ``path`` says which field.
        """
        for path, hint in self._fields.items():
            problem = self._problem(document, path, hint)
            if problem is not None:
                raise DocumentValidationError(
                    f"the field hint for {path!r} is {hint.text!r}, and the document {problem}",
                    hint="Change the document, or the hint in the section 'fields' of the configuration.",
                    path=path,
                )

    def _problem(self, document: Mapping[str, Any], path: str, hint: FieldHint) -> str | None:
        if path == "_id":
            return None if orders_as_text(document.get("_id")) else "has another _id"
        parts = self._parts[path]
        for depth in range(1, len(parts)):
            above = get_path(document, parts[:depth])
            if above is not MISSING and above is not None and type(above) is not dict:
                return f"holds a value of type {type(above).__name__} at {'.'.join(parts[:depth])!r}"
        return hint.problem(get_path(document, parts))


NO_HINTS: Final = CollectionHints({})
"""For collections without hints."""


def parse_hints(fields: Mapping[str, Mapping[str, str]]) -> dict[str, CollectionHints]:
    """Read the hints of a configuration.

    Args:
        fields: Collection, path, hint.

    Returns:
        The hints by collection.

    Raises:
        ValueError: One of them is not valid.
    """
    found: dict[str, CollectionHints] = {}
    for collection, hints in fields.items():
        parsed = {path: parse_hint(text) for path, text in hints.items()}
        identity = parsed.get("_id")
        if identity is not None and identity.kinds - {"text"}:
            raise ValueError(f"the only hint for _id is text, not {identity.text!r} (collection {collection!r})")
        for path in parsed:
            if not all(path.split(".")) or path.startswith("_id."):
                raise ValueError(f"{path!r} is no path of a field that can have a hint (collection {collection!r})")
        found[collection] = CollectionHints(parsed)
    return found

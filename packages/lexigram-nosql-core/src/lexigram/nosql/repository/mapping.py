"""Turns objects into documents and back, for every kind of type that pydantic understands.

Dataclasses, pydantic models and ``TypedDict`` work alike. What documents hold (datetimes, Decimal, UUID, bytes, the
types of ``bson``, …) stays what it is; enums become their values, sets lists in a fixed order, and what documents do
not hold (a ``date``, a ``timedelta``, a ``Path``) the text that pydantic writes for it and reads again. Fields are
stored under their aliases, computed fields not at all. An object of a subclass is stored as the declared type.

What is read is validated leniently also where the type is strict, since documents have no enums, sets or dates.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast

from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.repository.names import FieldNames
from lexigram.nosql.values.bson_compat import bson_tag
from lexigram.nosql.values.normalise import normalise_value
from lexigram.nosql.values.order import sort_key
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import PydanticSerializationError

__all__ = ["EntityMapper", "storable"]

T = TypeVar("T")

_PLAIN = frozenset({type(None), bool, int, float, str, bytes, Decimal, uuid.UUID})
_KEPT = (str, int, float, bytes, Decimal, uuid.UUID, re.Pattern)
_UNEXPECTED = re.compile(
    r"Expected `(?P<type>.*?)`(?: but got `(?P<got>\w+)`| - .*?, input_type=(?P<found>\w+)\])", re.DOTALL
)


class EntityMapper(Generic[T]):
    """Maps one type.

    The entity's field *id_attribute* is the document's *id_field*. Where a field is stored under that name anyway (it
    has the name, or the alias), it is taken as it is.

    Args:
        entity: The type.
        id_field: The document's field with the id, usually ``_id``.
        id_attribute: The entity's field with the id, usually ``id``.

    Raises:
        DocumentValidationError: Pydantic cannot map the type, or it has no field for the id.
    """

    def __init__(self, entity: Any, id_field: str = "_id", id_attribute: str = "id") -> None:
        self.name = str(getattr(entity, "__name__", entity))
        try:
            self._adapter: TypeAdapter[T] = TypeAdapter(entity)
            self.names = FieldNames(self._adapter.core_schema)
        except PydanticUserError as error:
            raise DocumentValidationError(
                f"{self.name} cannot be mapped to documents: {str(error).splitlines()[0]}",
                hint="Use a dataclass, a pydantic model or a TypedDict, or override the two mapping methods.",
            ) from error
        self._id_field = id_field
        # The names of the id: in what pydantic writes, and in what it reads.
        self._written = self._read = id_field
        fields = self.names.fields
        if fields:
            known = [field for field in fields.values() if field.stored == id_field or id_field in field.read]
            own = known[0] if known else fields.get(id_attribute)
            if own is None:
                raise DocumentValidationError(
                    f"{self.name} has no field {id_attribute!r} for the document's {id_field!r}",
                    hint="Set id_attribute to the name of the field that holds the id.",
                )
            self._written = own.stored
            self._read = id_field if id_field in own.read else own.read[0] if own.read else own.stored

    def stores(self, name: str) -> bool:
        """True when a field of the entity is stored under this name, or its fields are not known."""
        fields = self.names.fields.values()
        return not fields or any(field.stored == name for field in fields)

    def stored_path(self, path: str) -> str:
        """The path in documents of a path of the entity's attributes; what is no attribute stays as it is."""
        first, dot, rest = self.names.stored_path(path).partition(".")
        return f"{self._id_field if first == self._written else first}{dot}{rest}"

    def to_document(self, entity: T) -> dict[str, Any]:
        """The document of an object.

        Raises:
            DocumentValidationError: The object is not of the type, is not a mapping of fields, or holds what documents
                cannot hold.
        """
        try:
            document: Any = storable(
                self._adapter.dump_python(entity, by_alias=True, round_trip=True, warnings="error")
            )
        except DocumentValidationError:
            raise
        except (PydanticSerializationError, ValueError, AttributeError) as error:
            raise self._not_an_entity(entity, error) from error
        if not isinstance(document, dict):
            raise DocumentValidationError(
                f"this {type(entity).__name__} cannot be stored as {self.name}: it has no fields, as documents have"
            )
        if self._written != self._id_field and self._written in document:
            document = {self._id_field: document.pop(self._written), **document}
        return cast("dict[str, Any]", document)

    def _not_an_entity(self, entity: Any, error: Exception) -> DocumentValidationError:
        """Why an object could not be written, without its values."""
        given = type(entity).__name__
        fields = [name for name in self.names.fields if not self._can_write(entity, name)]
        found = _UNEXPECTED.search(str(error))
        why = f"expected {found['type']}, found {found['got'] or found['found']}" if found else type(error).__name__
        where = f"{', '.join(fields)}: " if 0 < len(fields) < len(self.names.fields) else ""
        return DocumentValidationError(
            f"this {given} cannot be stored as {self.name}: {where}{why}",
            path=fields[0] if where else "",
            fields=fields,
        )

    def _can_write(self, entity: T, field: str) -> bool:
        """True when one field of an object is what it should be."""
        try:
            self._adapter.dump_python(entity, include={field}, warnings="error")
        except (PydanticSerializationError, ValueError, AttributeError):
            return False
        return True

    def to_entity(self, document: Mapping[str, Any]) -> T:
        """The object of a document.

        Raises:
            DocumentValidationError: The document does not fit the type; ``document_id`` and ``fields`` say where.
        """
        data = dict(document)
        if self._read != self._id_field and self._id_field in data:
            data[self._read] = data.pop(self._id_field)
        try:
            return self._adapter.validate_python(data, strict=False)
        except ValidationError as error:
            identity = document.get(self._id_field)
            problems = [
                (".".join(map(str, problem["loc"])), problem["msg"])
                for problem in error.errors(include_url=False, include_context=False, include_input=False)
            ]
            raise DocumentValidationError(
                f"document {identity!r} is not a {self.name}: "
                + "; ".join(f"{path}: {text}" for path, text in problems),
                path=problems[0][0],
                document_id=identity,
                fields=[path for path, _ in problems],
            ) from error


def storable(value: Any) -> Any:
    """A value as documents hold it.

    Raises:
        DocumentValidationError: Documents cannot hold it.
    """
    try:
        return _storable(value)
    except RecursionError as error:
        raise DocumentValidationError("the value nests too deep, or contains itself", mongo_code=15) from error


def _storable(value: Any) -> Any:
    cls = type(value)
    if cls in _PLAIN:
        return value
    if isinstance(value, Mapping):
        return {
            name if type(name) is str else _key(name): item if type(item) in _PLAIN else _storable(item)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [item if type(item) in _PLAIN else _storable(item) for item in value]
    if isinstance(value, Enum):
        return _storable(value.value)
    if isinstance(value, datetime):
        return normalise_value(value)
    if isinstance(value, _KEPT) or bson_tag(cls) is not None:
        return value
    if isinstance(value, AbstractSet):
        return sorted([_storable(item) for item in value], key=sort_key)
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if hasattr(value, "get_secret_value"):
        raise DocumentValidationError(
            "a secret would be stored as stars", hint="Give the field a serializer that says how it is to be stored."
        )
    return _as_fields_or_text(value)


def _as_fields_or_text(value: Any) -> Any:
    """What pydantic writes for an object: its fields where it has some, else text."""
    cls: Any = type(value)
    try:
        adapter = _adapter_of(cls)
        data = adapter.dump_python(value, by_alias=True, round_trip=True)
        if isinstance(data, cls):
            data = adapter.dump_python(value, mode="json")
    except (PydanticUserError, PydanticSerializationError, TypeError, ValueError) as error:
        raise DocumentValidationError(
            f"documents cannot hold a value of type {cls.__qualname__}",
            hint="Give the field a serializer, or override the two mapping methods.",
        ) from error
    return _storable(data)


@lru_cache(maxsize=256)
def _adapter_of(cls: Any) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def _key(name: Any) -> str:
    return str(_storable(name))

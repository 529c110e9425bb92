"""Turns objects into documents and back, for every kind of type that pydantic understands.

Dataclasses, pydantic models and ``TypedDict`` work alike. Values that documents have (dates, Decimal, UUID, bytes, …)
stay what they are; enums become their values, sets lists, and what documents do not have (a ``date``, a
``Path``) the text that pydantic writes for it and reads again.
"""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, TypeVar

from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.values.bson_compat import bson_tag
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

__all__ = ["EntityMapper", "collection_name_of"]

T = TypeVar("T")

_KEPT = (str, int, float, bytes, datetime, Decimal, uuid.UUID, re.Pattern)


class EntityMapper(Generic[T]):
    """Maps one type.

    The entity's field *id_attribute* is the document's *id_field*; a field declared under the document's own name, or
    with it as its alias, is taken as it is.

    Args:
        entity: The type.
        id_field: The document's field with the id, usually ``_id``.
        id_attribute: The entity's field with the id, usually ``id``.
    """

    def __init__(self, entity: Any, id_field: str = "_id", id_attribute: str = "id") -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(entity)
        self._id_field = id_field
        self._id_attribute = id_attribute
        self._name = getattr(entity, "__name__", str(entity))
        self._fields = _field_names(entity)

    def declares(self, field: str) -> bool:
        """True when the entity has a field that is stored under this name."""
        return field in self._fields

    def to_document(self, entity: T) -> dict[str, Any]:
        """The document of an object.

        Raises:
            DocumentValidationError: The object is not of the type, or not a mapping of fields.
        """
        try:
            data = self._adapter.dump_python(entity, by_alias=True, warnings="error")
        except Exception as error:
            raise DocumentValidationError(f"{entity!r:.80} is not a {self._name}: {error}") from error
        if not isinstance(data, dict):
            raise DocumentValidationError(f"a {self._name} has no fields, so it cannot be a document")
        document = {str(name): _storable(value) for name, value in data.items()}
        if self._id_field not in document and self._id_attribute in document:
            document = {self._id_field: document.pop(self._id_attribute), **document}
        if document.get(self._id_field, ...) is None:
            del document[self._id_field]
        return document

    def to_entity(self, document: Mapping[str, Any]) -> T:
        """The object of a document.

        Raises:
            DocumentValidationError: The document does not fit the type.
        """
        data = dict(document)
        if self._id_field not in self._fields and self._id_attribute not in data and self._id_field in data:
            data[self._id_attribute] = data.pop(self._id_field)
        try:
            return self._adapter.validate_python(data)
        except ValidationError as error:
            identity = document.get(self._id_field)
            problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
            raise DocumentValidationError(f"document {identity!r} is not a {self._name}: {problems}") from error


def _field_names(entity: Any) -> frozenset[str]:
    """The names under which the fields are stored."""
    described: Mapping[str, Any] | None = getattr(entity, "model_fields", None) or getattr(
        entity, "__pydantic_fields__", None
    )
    if described is not None:
        return frozenset(field.serialization_alias or field.alias or name for name, field in described.items())
    if dataclasses.is_dataclass(entity):
        return frozenset(field.name for field in dataclasses.fields(entity))
    return frozenset(getattr(entity, "__annotations__", {}))


def _storable(value: Any) -> Any:
    """A value as documents hold it."""
    if isinstance(value, Enum):
        return _storable(value.value)
    if value is None or isinstance(value, _KEPT) or bson_tag(type(value)) is not None:
        return value
    if isinstance(value, Mapping):
        return {_key(name): _storable(item) for name, item in value.items()}
    if isinstance(value, list | tuple | AbstractSet):
        return [_storable(item) for item in value]
    return to_jsonable_python(value)


def _key(name: Any) -> str:
    return name if isinstance(name, str) else str(_storable(name))


def collection_name_of(entity: Any) -> str:
    """The collection of a type: its ``__collection__``, or its name in the plural (``OrderLine``: ``order_lines``)."""
    given = getattr(entity, "__collection__", None)
    if isinstance(given, str):
        return given
    name = getattr(entity, "__name__", str(entity))
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower() + "s"

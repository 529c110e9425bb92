"""What is called how: an entity's attributes in its documents, a repository's entity, an entity's collection.

The names come from the schema that pydantic makes of the entity, so aliases, alias generators and nested types count in
every kind of entity alike.
"""

# A schema of pydantic is a tree of mappings whose kinds are told apart by looking.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_args, get_origin

__all__ = ["Field", "FieldNames", "collection_name_of", "type_argument"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entity.

    Attributes:
        stored: Its name in documents.
        read: The names under which it is accepted, the usual one first.
        schema: The schema of its value.
    """

    stored: str
    read: tuple[str, ...]
    schema: Mapping[str, Any]


class FieldNames:
    """The fields of one entity.

    Args:
        schema: The schema that pydantic made of it.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._definitions: dict[str, Mapping[str, Any]] = {}
        self.fields = self._fields_of(schema)
        self._known = {name for field in self.fields.values() for name in (field.stored, *field.read)}

    def knows(self, name: str) -> bool:
        """True when a field is stored or accepted under this name."""
        return name in self._known

    def stored_path(self, path: str) -> str:
        """The path in documents of a path of attributes; what is no attribute stays as it is."""
        parts: list[str] = []
        fields: Mapping[str, Field] = self.fields
        schema: Mapping[str, Any] = {}
        for part in path.split("."):
            field = fields.get(part)
            if field is None and not part.isdecimal():
                # A key of a mapping has fields below it; nothing else that is unknown has.
                schema = self._value_of_mapping(schema)
            elif field is not None:
                schema = field.schema
            parts.append(part if field is None else field.stored)
            fields = self._fields_of(schema)
        return ".".join(parts)

    def _fields_of(self, schema: Mapping[str, Any]) -> Mapping[str, Field]:
        """The fields of what a schema is about: a type with fields, or an option, union or list of such."""
        found: dict[str, Field] = {}
        for inner in self._within(schema):
            fields = inner.get("fields")
            if isinstance(fields, Mapping):
                for name, field in fields.items():
                    found.setdefault(name, _field(name, field))
            elif inner.get("type") == "dataclass-args":
                for field in inner["fields"]:
                    found.setdefault(field["name"], _field(field["name"], field))
        return found

    def _value_of_mapping(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        values: Mapping[str, Any] = {}
        for inner in self._within(schema):
            if inner.get("type") == "dict":
                values = inner.get("values_schema", values)
        return values

    def _within(self, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """A schema and those that say more about the same value, or about its elements."""
        pending = [schema]
        seen: set[int] = set()
        while pending:
            inner = pending.pop()
            if id(inner) in seen:  # a type that is made of itself
                continue
            seen.add(id(inner))
            yield inner
            for definition in inner.get("definitions", ()):
                self._definitions[definition["ref"]] = definition
            if inner.get("type") == "definition-ref":
                pending.append(self._definitions.get(inner["schema_ref"], {}))
            choices = inner.get("choices", ())
            pending += [
                choice[0] if isinstance(choice, tuple) else choice
                for choice in (choices.values() if isinstance(choices, Mapping) else choices)
                if not isinstance(choice, str)
            ]
            pending += [inner[key] for key in ("schema", "items_schema") if isinstance(inner.get(key), Mapping)]


def _field(name: str, field: Mapping[str, Any]) -> Field:
    alias = field.get("validation_alias")
    if alias is None:
        read = [name]
    elif isinstance(alias, str):
        read = [alias]
    else:
        # Either one path, or a list of paths; only paths of one step are names.
        paths = alias if alias and isinstance(alias[0], list) else [alias]
        read = [path[0] for path in paths if len(path) == 1]
    return Field(field.get("serialization_alias") or name, tuple(read), field["schema"])


def collection_name_of(entity: Any) -> str:
    """The collection of a type: its ``__collection__``, or its name in the plural (``OrderLine``: ``order_lines``).

    Empty for what is no class, or one of Python's own.
    """
    given = getattr(entity, "__collection__", None)
    if isinstance(given, str):
        return given
    cls = get_origin(entity) or entity
    if not isinstance(cls, type) or cls.__module__ in ("builtins", "types", "typing"):
        return ""
    name = cls.__name__
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower() + "s"


def type_argument(cls: type[Any], generic: type[Any], position: int = 0) -> Any:
    """What a class gives for a type parameter of a generic class that it descends from, directly or not.

    Args:
        cls: The class, such as ``class Products(DocumentRepository[Product, str])``.
        generic: The generic class.
        position: Which of its parameters, from 0.

    Returns:
        The argument, or None when the class leaves it open.
    """
    found = _argument(cls, generic, position)
    return None if isinstance(found, TypeVar) else found


def _argument(cls: type[Any], generic: type[Any], position: int) -> Any:
    """The same; where the class leaves it open, the type variable of the class that stands for it."""
    for base in cls.__dict__.get("__orig_bases__", cls.__bases__):
        origin: Any = get_origin(base) or base
        if not isinstance(origin, type) or not issubclass(origin, generic):
            continue
        arguments = get_args(base)
        if origin is generic:
            return arguments[position] if arguments else None
        found = _argument(origin, generic, position)
        if isinstance(found, TypeVar) and arguments:
            return arguments[vars(origin)["__parameters__"].index(found)]
        return found
    return None

"""What the fields of a model say about the values that belong in them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import is_dataclass, replace
from types import NoneType, UnionType
from typing import Annotated, Any, TypeGuard, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from lexigram.config.secrets import Secret
from lexigram.config.tree import (
    Items,
    Key,
    KeyPath,
    Leaf,
    Node,
    Section,
    SourceKind,
    Text,
    find,
    from_json,
    is_mapping,
    to_plain,
)

__all__ = ["decoded", "input_names", "is_secret_field", "members", "opened", "place_at"]


def members(annotation: Any) -> Iterator[Any]:
    """The types that an annotation allows: the members of a union, without ``Annotated``."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from members(get_args(annotation)[0])
    elif origin is Union or origin is UnionType:
        for member in get_args(annotation):
            yield from members(member)
    else:
        yield annotation


def is_secret_field(field: FieldInfo) -> bool:
    """Whether a field is secret by its type or by a mark.

    Args:
        field: A field of a model.

    Returns:
        True for ``SecretStr``, for ``Annotated[..., Secret()]`` and for ``Field(json_schema_extra={"secret": True})``.
    """
    extra: Any = field.json_schema_extra
    if is_mapping(extra) and extra.get("secret") is True:
        return True
    return any(map(_is_mark, field.metadata)) or _has_mark(field.annotation)


def _is_mark(mark: object) -> bool:
    return isinstance(mark, Secret) or mark is Secret


def _has_mark(annotation: Any) -> bool:
    if annotation in (SecretStr, SecretBytes):
        return True
    return any(_is_mark(argument) or _has_mark(argument) for argument in get_args(annotation))


def input_names(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The names that a model understands in its input, aliases included."""
    names: dict[str, FieldInfo] = {}
    for name, field in model.model_fields.items():
        for alias in (name, field.alias, field.validation_alias):
            if isinstance(alias, str):
                names[alias] = field
    return names


def place_at(kind: Any, path: Sequence[Key], node: Node) -> tuple[FieldInfo | None, tuple[Any, ...]]:
    """What a model says about the place that a path leads to.

    Args:
        kind: The type at the start of the path.
        path: Keys and indices.
        node: The tree that is read, since the models of some sections depend on values.

    Returns:
        The innermost field on the path, if there is one, and the types that the place itself allows; none are known
        for what no model speaks of.
    """
    candidates = list(members(kind))
    field: FieldInfo | None = None
    for position, key in enumerate(path):
        following: list[Any] = []
        for candidate in candidates:
            origin = get_origin(candidate)
            if _is_model(candidate):
                found = input_names(candidate).get(str(key))
                if found is not None:
                    field = found
                    following += members(found.annotation)
                else:
                    following += _extra_model(candidate, key, find(node, path[:position]))
            elif origin is not None:
                # The last argument of list[T], dict[K, T] and tuple[T, ...] is, or stands for, what is inside.
                inner = [argument for argument in get_args(candidate) if argument is not Ellipsis]
                following += members(inner[-1]) if inner else ()
        candidates = following
    return field, tuple(candidates)


def _is_model(kind: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, BaseModel)


def _extra_model(model: type[BaseModel], key: Key, node: Node | None) -> list[Any]:
    """The model of a section that is no field, as a list of none or one."""
    extra_models = getattr(model, "extra_models", None)
    if extra_models is None or not isinstance(node, Section):
        return []
    found = extra_models(to_plain(node)).get(str(key))
    return [] if found is None else [found]


def opened(kind: Any, root: Node) -> Node:
    """Bring what comes from variables into the form that a model wants.

    JSON becomes a list or a section where the model wants one, and names, which have no capitals in variables, get
    those of the model.

    Args:
        kind: The model that the tree is read into.
        root: The tree.

    Returns:
        The tree, so that every value in it can be found and named.
    """
    from_variables = {SourceKind.ENVIRONMENT, SourceKind.DOTENV}

    def walk(node: Node, path: KeyPath) -> Node:
        match node:
            case Section(entries):
                capitals: dict[str, str] = {}
                if any(child.source.kind in from_variables for child in entries.values()):
                    _, kinds = place_at(kind, path, root)
                    for model in filter(_is_model, kinds):
                        capitals |= {name.casefold(): name for name in input_names(model) if name.casefold() != name}
                walked: dict[str, Node] = {}
                for key, child in entries.items():
                    name = capitals.get(key, key) if child.source.kind in from_variables else key
                    walked[name] = walk(child, (*path, key))
                return replace(node, entries=walked)
            case Items(items):
                return replace(node, items=tuple(walk(child, (*path, index)) for index, child in enumerate(items)))
            case Leaf(Text() as text) if text.lstrip().startswith(("{", "[")):
                _, kinds = place_at(kind, path, root)
                return from_json(node) if _decoded(kinds, text) is not text else node
            case _:
                return node

    return walk(root, ())


def decoded(annotation: Any, value: Any) -> Any:
    """Read a text from a place without types as the field wants it.

    Args:
        annotation: The field's type.
        value: Its value; only a :class:`~lexigram.config.tree.Text` is looked at.

    Returns:
        What the JSON in it says if only a list or a section will do; None for the empty text if None will do and no
        text will; else the value.
    """
    return _decoded(tuple(members(annotation)), value) if isinstance(value, Text) else value


def _decoded(kinds: Sequence[Any], value: Text) -> Any:
    if any(map(_takes_text, kinds)):
        return value
    if not value.strip() and NoneType in kinds:
        return None
    if value.lstrip().startswith(("{", "[")) and any(map(_takes_structure, kinds)):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _takes_text(kind: Any) -> bool:
    if kind in (Any, object, str, bytes, SecretStr, SecretBytes) or isinstance(kind, TypeVar):
        return True
    return isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, str)


def _takes_structure(kind: Any) -> bool:
    origin: Any = get_origin(kind) or kind
    if not isinstance(origin, type):
        return False
    structure = cast("type[Any]", origin)
    return is_dataclass(structure) or issubclass(structure, (BaseModel, Collection))

"""Copies of documents, made for what documents hold.

A normalised document holds plain dicts, plain lists and values that nobody can change, so a copy makes the dicts and
lists anew and shares the rest: ``copy.deepcopy`` is about twenty times slower for the same result. Each container is
copied whole by ``dict.copy`` or a slice, and only the containers inside it are looked at again.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from typing import Any, Final

__all__ = ["copy_document", "copy_value"]

_CONTAINERS: Final = frozenset({dict, list})


def copy_document(document: dict[str, Any]) -> dict[str, Any]:
    """Copy a normalised document.

    Args:
        document: A dict as :func:`~lexigram.nosql.values.normalise.normalise_document` returns it.

    Returns:
        A new dict sharing no dict or list with the old one.
    """
    copy = document.copy()
    for name, value in document.items():
        if type(value) in _CONTAINERS:
            copy[name] = copy_document(value) if type(value) is dict else _copy_list(value)
    return copy


def _copy_list(items: list[Any]) -> list[Any]:
    for item in items:
        if type(item) in _CONTAINERS:
            return [
                copy_document(value) if type(value) is dict else _copy_list(value) if type(value) is list else value
                for value in items
            ]
    return items[:]


def copy_value(value: Any) -> Any:
    """Copy a normalised value.

    Args:
        value: Any value of a normalised document.

    Returns:
        A new dict or list, or the value itself if it is neither.
    """
    cls = type(value)
    if cls is dict:
        return copy_document(value)
    if cls is list:
        return _copy_list(value)
    return value

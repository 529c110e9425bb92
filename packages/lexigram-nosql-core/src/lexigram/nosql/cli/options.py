"""Options that the commands share, and how their texts are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias, cast

import typer

__all__ = [
    "DriverName",
    "FilterText",
    "ProjectionText",
    "SortText",
    "StoreName",
    "Target",
    "read_document",
    "read_projection",
    "read_sort",
]

DriverName: TypeAlias = Annotated[
    str | None, typer.Option("--driver", "-d", help="Use this backend in place of the configured one.")
]
StoreName: TypeAlias = Annotated[
    str | None, typer.Option("--store", "-s", help="Name of one of several configured stores; the primary otherwise.")
]
FilterText: TypeAlias = Annotated[
    str | None, typer.Option("--filter", "-f", help="Filter in MongoDB's language, as (extended) JSON.")
]
SortText: TypeAlias = Annotated[
    str | None, typer.Option("--sort", help="Order: fields with commas, - before a field for descending; or JSON.")
]
ProjectionText: TypeAlias = Annotated[
    str | None, typer.Option("--projection", help="Fields to show: names with commas, - leaves a field out; or JSON.")
]


@dataclass(frozen=True, slots=True)
class Target:
    """Which store a command works on.

    Attributes:
        config: The configuration file; what the current folder holds when missing.
        profile: The profile to lay over it.
        driver: The backend to use in place of the configured one.
        store: Name of the store; the primary one when missing.
    """

    config: Path | None = None
    profile: str | None = None
    driver: str | None = None
    store: str | None = None


def read_document(option: str, text: str | None) -> Mapping[str, Any] | None:
    """A document given on the command line.

    Args:
        option: The option's name, for the message.
        text: Extended JSON.

    Returns:
        The document; None when nothing was given.

    Raises:
        BadParameter: The text is no JSON object.
    """
    if text is None:
        return None
    from lexigram.nosql.exceptions import DocumentValidationError
    from lexigram.nosql.values.extended_json import loads

    try:
        value = loads(text)
    except DocumentValidationError as error:
        raise typer.BadParameter(
            f'{error.message}. Write JSON in single quotes, such as \'{{"price": {{"$gt": 10}}}}\'.',
            param_hint=option,
        ) from error
    if not isinstance(value, dict):
        raise typer.BadParameter(f"{text} is no JSON object.", param_hint=option)
    return cast("dict[str, Any]", value)


def _names(option: str, text: str) -> list[tuple[str, bool]]:
    """Names with commas, and whether a minus stands before each."""
    names = [part.strip() for part in text.split(",")]
    if any(name in {"", "-", "+"} for name in names):
        raise typer.BadParameter(f"{text!r} has an empty name in it.", param_hint=option)
    return [(name.lstrip("+-") if name[0] in "+-" else name, name[0] == "-") for name in names]


def read_sort(text: str | None) -> list[tuple[str, Any]] | None:
    """The order given on the command line.

    Args:
        text: ``name,-price``, or a JSON object.

    Returns:
        Fields and directions; None when nothing was given.

    Raises:
        BadParameter: The text is neither.
    """
    if text is None:
        return None
    if text.lstrip().startswith("{"):
        return list((read_document("--sort", text) or {}).items())
    return [(name, -1 if minus else 1) for name, minus in _names("--sort", text)]


def read_projection(text: str | None) -> Mapping[str, Any] | None:
    """The fields given on the command line.

    Args:
        text: ``name,price``, ``-payload``, or a JSON object.

    Returns:
        A projection; None when nothing was given.

    Raises:
        BadParameter: The text is neither.
    """
    if text is None:
        return None
    if text.lstrip().startswith("{"):
        return read_document("--projection", text)
    return {name: 0 if minus else 1 for name, minus in _names("--projection", text)}

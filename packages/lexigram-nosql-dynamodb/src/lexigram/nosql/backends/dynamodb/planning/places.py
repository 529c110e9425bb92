"""Where a path of a filter leads in an item, and what stands in the way.

A path of the engine goes through arrays; a document path of DynamoDB does not. So a condition on ``a.b`` may be met
where ``a`` is a list, of which an expression sees nothing but that it is one. :class:`Place` says where the path leads
if there are no lists, and which beginnings of it might be lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from lexigram.nosql.backends.dynamodb.codec import plain_path
from lexigram.nosql.backends.dynamodb.planning.expressions import (
    NEVER,
    AllOf,
    AnyOf,
    Comparison,
    Expression,
    Function,
    Negation,
    OneOf,
    Path,
    Text,
    all_of,
    any_of,
    negation,
)
from lexigram.nosql.backends.dynamodb.planning.meanings import Meaning

__all__ = ["LIST_TYPES", "Place", "has_type", "is_list", "narrowed", "stored_place"]

_DEEPEST = 30
_LONGEST_NAME = 255
_SET_TYPES = ("SS", "NS", "BS")
LIST_TYPES = ("L", *_SET_TYPES)
"""Types that documents see as arrays; sets only where others write."""


def has_type(path: Path, *types: str) -> Expression:
    """The condition that a value has one of some types, by their names on the wire."""
    return any_of([Function("attribute_type", path, Text(name)) for name in types])


def is_list(path: Path, foreign: bool) -> Expression:
    """The condition that a value is an array."""
    return has_type(path, *(LIST_TYPES if foreign else LIST_TYPES[:1]))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads.

    Attributes:
        path: Attribute names, as stored.
        foreign: True when sets count as arrays.
    """

    path: Path
    foreign: bool

    @property
    def nested(self) -> bool:
        """True when lists may stand in the way."""
        return len(self.path) > 1

    def below(self, name: str) -> Path:
        """The path to what stands under a tag."""
        return (*self.path, name)

    def found(self, superset: Expression, sure: Expression) -> Meaning:
        """The meaning of a condition that only something at the end of the path can meet.

        Args:
            superset: As if no list stood in the way.
            sure: The same.
        """
        if not self.nested:
            return Meaning(superset, sure)
        return Meaning(any_of([superset, *self._lists(sets=False)]), sure)

    def absent(self, superset: Expression, sure: Expression) -> Meaning:
        """The meaning of a condition that a missing field meets too, so that the superset holds behind lists anyway.

        Args:
            superset: As if no list stood in the way.
            sure: The same.
        """
        if not self.nested:
            return Meaning(superset, sure)
        return Meaning(superset, all_of([negation(any_of(self._lists(sets=self.foreign))), sure]))

    def _lists(self, *, sets: bool) -> list[Expression]:
        return [is_list(self.path[:length], sets) for length in range(1, len(self.path))]


@lru_cache(maxsize=4096)
def stored_place(path: str, attribute: str | None, foreign: bool) -> Place | None:
    """Find where a path leads.

    Args:
        path: Dotted, as in the filter.
        attribute: Name of the top-level attribute, where it is not the field's.
        foreign: True when sets count as arrays.

    Returns:
        The place; None where no document path can be written for it.
    """
    names = plain_path(path)
    if attribute is not None:
        names[0] = attribute
    if len(names) > _DEEPEST or any(not name or len(name) > _LONGEST_NAME or "\0" in name for name in names):
        return None
    try:
        path.encode()
    except UnicodeEncodeError:
        return None
    return Place(tuple(names), foreign)


def narrowed(meaning: Meaning, place: Place, type_name: str) -> Meaning:
    """Leave out of a meaning what cannot be, where an attribute holds one type only because an index has it as key.

    Args:
        meaning: A leaf's.
        place: Of the attribute.
        type_name: ``S``, ``N`` or ``B``.
    """
    return Meaning(_narrow(meaning.superset, place, type_name), _narrow(meaning.sure, place, type_name))


def _narrow(expression: Expression, place: Place, type_name: str) -> Expression:
    match expression:
        case AllOf(parts):
            return all_of([_narrow(part, place, type_name) for part in parts])
        case AnyOf(parts):
            return any_of([_narrow(part, place, type_name) for part in parts])
        case Negation(part):
            return negation(_narrow(part, place, type_name))
        case OneOf(paths, (value,)) if len(paths) > 1:
            return Comparison(place.path, "=", value) if place.path in paths else NEVER
        case Function("attribute_type", path, Text(name)) if path == place.path:
            return Function("attribute_exists", path) if name == type_name else NEVER
        case Comparison(path) | OneOf((path,)) | Function(_, path) if path != place.path:
            return NEVER
        case _:
            return expression

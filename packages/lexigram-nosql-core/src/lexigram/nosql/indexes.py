"""What an index is, in portable form.

Source: MongoDB manual, "Indexes" and ``createIndexes``. One :class:`IndexSpec` describes an index on every backend; a
backend that cannot keep a property refuses it by name instead of leaving it out.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from lexigram.nosql.exceptions import NoSQLFilterError, NoSQLIndexError, QueryOptionError
from lexigram.nosql.query.ast import (
    All,
    Always,
    And,
    Compare,
    Exists,
    Expr,
    In,
    JsonSchema,
    Node,
    Or,
    Text,
    Type,
)
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.query.plain import copy_filter
from lexigram.nosql.query.suggest import shown
from lexigram.nosql.values.bson_compat import is_text
from lexigram.nosql.values.collation import parse_collation
from lexigram.nosql.values.order import equal
from lexigram.nosql.values.readable import unreadable

__all__ = ["ID_INDEX", "IndexSpec", "parse_index"]

IndexKey = tuple[str, int | str]

MAX_KEYS = 32
MAX_EXPIRY = 2**31 - 1
_PARTIAL: Final = "takes $eq, $gt, $gte, $lt, $lte, $in, $type, $exists: true, $and and $or"
_WILDCARD = "$**"
_DIRECTIONS: tuple[int | str, ...] = (1, -1, "text")


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """One index.

    Attributes:
        keys: Fields and directions, in order: 1 ascending, -1 descending, ``text``. A field that ends in ``$**`` stands
            for all fields, or for all below what comes before it.
        name: Its name, unique in the collection.
        unique: True when no two documents may hold the same key.
        sparse: True when documents without any of the fields are left out.
        partial_filter: Only documents that match are indexed; None for all.
        expire_after_seconds: Documents go this many seconds after the date in the (single) field; None for never.
        collation: How text is compared, or None for code points.
    """

    keys: tuple[IndexKey, ...]
    name: str
    unique: bool = False
    sparse: bool = False
    partial_filter: Mapping[str, Any] | None = None
    expire_after_seconds: float | None = None
    collation: Mapping[str, Any] | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The indexed fields, in order."""
        return tuple(path for path, _ in self.keys)

    @property
    def is_wildcard(self) -> bool:
        """True when it indexes fields that it does not name."""
        return any(path.rpartition(".")[2] == _WILDCARD for path, _ in self.keys)

    def same_as(self, other: IndexSpec) -> bool:
        """True when *other* is this index, whatever its name."""
        plain = replace(other, name=self.name, partial_filter=None, collation=None)
        # Python takes True for 1, which a filter does not.
        return (
            plain == replace(self, partial_filter=None, collation=None)
            and equal(self.partial_filter, other.partial_filter)
            and _same_order(self.collation, other.collation)
        )

    def to_document(self) -> dict[str, Any]:
        """The index as ``listIndexes`` shows it."""
        document: dict[str, Any] = {"v": 2, "key": dict(self.keys), "name": self.name}
        if self.unique and self != ID_INDEX:
            document["unique"] = True
        if self.sparse:
            document["sparse"] = True
        if self.partial_filter is not None:
            document["partialFilterExpression"] = copy_filter(self.partial_filter)
        if self.expire_after_seconds is not None:
            document["expireAfterSeconds"] = self.expire_after_seconds
        if self.collation is not None:
            document["collation"] = dict(self.collation)
        return document


ID_INDEX = IndexSpec(keys=(("_id", 1),), name="_id_", unique=True)


def parse_index(
    keys: str | Sequence[tuple[str, int | str]] | Mapping[str, int | str],
    *,
    unique: bool = False,
    name: str | None = None,
    sparse: bool = False,
    partial_filter: Mapping[str, Any] | None = None,
    expire_after_seconds: float | None = None,
    collation: Mapping[str, Any] | None = None,
) -> IndexSpec:
    """Check an index as the user describes it.

    Args:
        keys: A field name, ``[("field", 1), …]`` or ``{"field": 1, …}``.
        unique: No two documents may hold the same key.
        name: Its name; made of fields and directions when missing, as MongoDB does (``email_1``).
        sparse: Leave out documents that have none of the fields.
        partial_filter: Index only documents that match; made of ``$eq``, ``$gt``, ``$gte``, ``$lt``, ``$lte``, ``$in``,
            ``$type``, ``$exists: true``, ``$and`` and ``$or`` (manual, "Partial Indexes").
        expire_after_seconds: Remove documents this many seconds after the date in the single field; 0 or more.
        collation: How text is compared.

    Returns:
        The index.

    Raises:
        NoSQLIndexError: A key, direction or option is not valid.
        NoSQLFilterError: *partial_filter* is not a valid filter.
    """
    checked = _parse_keys(keys)
    for option, value in (("unique", unique), ("sparse", sparse)):
        if not isinstance(value, bool):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
            raise NoSQLIndexError(f"{option} is True or False, not {shown(value)}", mongo_code=14)
    if expire_after_seconds is not None:
        _check_expiry(expire_after_seconds, checked)
    if sparse and partial_filter is not None:
        raise NoSQLIndexError("an index is sparse or has a partial_filter, not both", mongo_code=67)
    if partial_filter is not None:
        if not isinstance(partial_filter, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
            raise NoSQLFilterError(f"partial_filter is a filter, not {type(partial_filter).__name__}", mongo_code=14)
        _check_partial(parse_filter(partial_filter).root)
        partial_filter = copy_filter(partial_filter)
    if collation is not None:
        parse_collation(collation)
        collation = dict(collation)
    if name is None:
        name = "_".join(f"{path}_{direction}" for path, direction in checked)
    told = unreadable(name)
    if told is not None:
        raise NoSQLIndexError(told)
    if not is_text(name) or not name or "\0" in name:
        raise NoSQLIndexError(f"{shown(name)} cannot be the name of an index", mongo_code=67)
    if name == "*":
        raise NoSQLIndexError("'*' stands for all indexes and cannot be the name of one", mongo_code=2)
    if checked[0][0] == "_id" and len(checked) == 1:
        _check_id(checked, sparse=sparse, partial_filter=partial_filter, collation=collation)
    elif name == ID_INDEX.name:
        raise NoSQLIndexError(f"the name {name!r} is that of the index on _id", mongo_code=2)
    return IndexSpec(
        keys=checked,
        name=name,
        unique=unique,
        sparse=sparse,
        partial_filter=partial_filter,
        expire_after_seconds=expire_after_seconds,
        collation=collation,
    )


def _parse_keys(keys: Any) -> tuple[IndexKey, ...]:
    """The fields and directions of an index, checked."""
    if is_text(keys):
        pairs: list[Any] = [(keys, 1)]
    elif isinstance(keys, Mapping):
        pairs = list(keys.items())
    elif isinstance(keys, list | tuple):
        pairs = list(keys)
    else:
        raise NoSQLIndexError(
            f"the keys of an index are a field or a list of pairs (field, direction), not {type(keys).__name__}",
            mongo_code=14,
        )
    if not 1 <= len(pairs) <= MAX_KEYS:
        raise NoSQLIndexError(f"an index has 1 to {MAX_KEYS} fields, not {len(pairs)}")
    checked: list[IndexKey] = []
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise NoSQLIndexError(f"an index key is a pair (field, direction), not {shown(pair)}")
        path, direction = pair
        if not is_text(path) or "\0" in path or not _is_indexable(path):
            raise NoSQLIndexError(f"{shown(path)} is not a field that can be indexed")
        known = isinstance(direction, int | float | str) and not isinstance(direction, bool)
        if not known or direction not in _DIRECTIONS:
            raise NoSQLIndexError(
                f"direction of {path!r} is {shown(direction)}", hint="Use 1 (ascending), -1 (descending) or 'text'."
            )
        checked.append((path, direction if isinstance(direction, str) else int(direction)))
    if len({path for path, _ in checked}) != len(checked):
        raise NoSQLIndexError("an index names a field twice")
    return tuple(checked)


def _check_partial(root: Node) -> None:
    """Refuse conditions that say what a document is not, or that no index could rely on."""
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, And | Or | All):
            pending.extend(node.children)
        elif isinstance(node, Expr | JsonSchema):
            raise NoSQLIndexError(f"partial_filter {_PARTIAL}, not an expression or a schema", mongo_code=224)
        elif isinstance(node, Text):
            raise NoSQLIndexError(f"partial_filter {_PARTIAL}, not $text", mongo_code=2)
        elif not isinstance(node, Compare | In | Type | Always) and not (isinstance(node, Exists) and node.exists):
            raise NoSQLIndexError(
                f"partial_filter {_PARTIAL}",
                hint="A negation is often the same as a comparison: {'$gt': ''} is any text but the empty one.",
                mongo_code=67,
            )


def _is_indexable(path: str) -> bool:
    """True for a path of fields, perhaps with the wildcard at its end."""
    *above, last = path.split(".")
    return (last == _WILDCARD or (last != "" and last[0] != "$")) and all(part and part[0] != "$" for part in above)


def _check_id(keys: tuple[IndexKey, ...], **options: Any) -> None:
    """Refuse an index on ``_id`` alone that is not the one that every collection has."""
    if keys != ID_INDEX.keys:
        raise NoSQLIndexError("the index on _id is ascending", hint="It is read backwards as well.", mongo_code=2)
    for option, value in options.items():
        if value:
            raise NoSQLIndexError(f"the index on _id takes no {option}", mongo_code=197)


def _same_order(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """True for collations that compare alike, also where only one of them writes its defaults out."""
    if one is None or other is None:
        return one is other
    try:
        return parse_collation(one) == parse_collation(other)
    except QueryOptionError:
        # A backend may have an index for a language that the engine does not know.
        return equal(one, other)


def _check_expiry(seconds: Any, keys: tuple[IndexKey, ...]) -> None:
    """Check the time after which documents go."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise NoSQLIndexError(f"expire_after_seconds is a number, not {type(seconds).__name__}", mongo_code=14)
    if not 0 <= seconds <= MAX_EXPIRY:
        raise NoSQLIndexError(f"expire_after_seconds is {seconds}, but must be 0 to {MAX_EXPIRY}")
    if len(keys) != 1 or keys[0][0] == "_id" or keys[0][1] == "text":
        raise NoSQLIndexError("expire_after_seconds needs an index on exactly one field, which is not _id")

"""When the order of a key is the order that a sort asks for.

A sort key orders text by its UTF-8 bytes and numbers by value, as the engine does; bytes it orders otherwise, and key
text of an ``_id`` only as far as it is plain. Fields that the partition fixes by one value have no say.
"""

from __future__ import annotations

from collections.abc import Sequence

from lexigram.nosql.backends.dynamodb.planning.shape import IndexShape, KeyAttribute
from lexigram.nosql.query.sort import Sort

__all__ = ["computed_direction", "native_direction"]


def native_direction(index: IndexShape, fixed: frozenset[str], sort: Sort | None) -> int:
    """Say how one partition of an index must be read to give an order.

    Args:
        index: The table's key or an index whose key attributes are fields.
        fixed: Names of the key attributes that have one value only in what is read.
        sort: The order.

    Returns:
        1 forwards, -1 backwards; 0 where it does not give the order.
    """
    if sort is None:
        return 1
    if sort.has_meta:
        return 1 if sort.natural == 1 else 0
    settled = {key.path for key in index.keys if key.name in fixed}
    wanted = [(path, way) for path, way in sort.fields if path not in settled]
    given: list[KeyAttribute] = [key for key in index.sort if key.name not in fixed]
    if len(wanted) > len(given):
        return 0
    direction = wanted[0][1] if wanted else 1
    for (path, way), key in zip(wanted, given, strict=False):
        if key.path != path or way != direction or not _is_ordered(key, sort):
            return 0
    return direction


def _is_ordered(key: KeyAttribute, sort: Sort) -> bool:
    return not key.encoded and (key.type == "N" or (key.type == "S" and sort.collation is None))


def computed_direction(keys: Sequence[tuple[str, int | str]], points: int, sort: Sort | None) -> int:
    """Say how one partition of an index of ours must be read to give an order.

    Args:
        keys: Fields and directions of the index.
        points: How many of them, from the first, have one value only in what is read.
        sort: The order.

    Returns:
        1 forwards, -1 backwards; 0 where it does not give the order.
    """
    if sort is None:
        return 1
    if sort.has_meta:
        return 1 if sort.natural == 1 else 0
    if sort.collation is not None:
        return 0
    settled = {path for path, _ in keys[:points]}
    wanted = [(path, way) for path, way in sort.fields if path not in settled]
    given = keys[points:]
    if len(wanted) > len(given):
        return 0
    direction = 0
    for (path, way), (other, own) in zip(wanted, given, strict=False):
        turned = 1 if way == own else -1
        if path != other or direction not in (0, turned):
            return 0
        direction = turned
    return direction or 1

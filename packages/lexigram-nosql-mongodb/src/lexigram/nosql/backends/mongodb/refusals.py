"""What a refused request means where the server's code alone does not say it.

The server has one code for many faults of a request. A hint that names no index, and a text search without a text
index, have errors of their own in Lexigram; here the request, and what indexes there are, tell them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lexigram.nosql.exceptions import NoSQLError, NoSQLFilterError, NoSQLIndexError
from lexigram.nosql.indexes import ID_INDEX
from pymongo.errors import OperationFailure, PyMongoError

if TYPE_CHECKING:
    from lexigram.nosql.backends.mongodb.native import NativeCollection

__all__ = ["meaning"]

_BAD_VALUE: Final = 2
_INDEX_NOT_FOUND: Final = 27


async def meaning(
    collection: NativeCollection, error: OperationFailure, hint: Any, *, text: bool = False
) -> NoSQLError | None:
    """The error to raise for a refusal.

    Args:
        collection: The collection that was asked.
        error: What the server answered.
        hint: Name or keys of the index that was to be used, or None.
        text: True when the filter searches text.

    Returns:
        A Lexigram error, or None where nothing more is known.
    """
    if text and error.code == _INDEX_NOT_FOUND:
        return NoSQLFilterError(
            f"$text needs a text index on {collection.name!r}",
            hint=f"collection({collection.name!r}).create_index([('field', 'text')])",
            mongo_code=_INDEX_NOT_FOUND,
        )
    if hint is None or error.code != _BAD_VALUE:
        return None
    try:
        indexes = await collection.driver.list_indexes(collection.name)
    except PyMongoError:
        return None
    wanted: Any = hint if isinstance(hint, str) else tuple([(path, way) for path, way in hint])
    if any(wanted in (spec.name, spec.keys) for spec in (ID_INDEX, *indexes)):
        return None
    return NoSQLIndexError(
        f"there is no index {hint!r}",
        hint=f"There are: {', '.join(spec.name for spec in (ID_INDEX, *indexes))}.",
        collection=collection.name,
        mongo_code=_BAD_VALUE,
    )

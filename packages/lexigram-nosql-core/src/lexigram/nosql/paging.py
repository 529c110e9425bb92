"""Keyset pagination: a page begins after the last document of the one before, wherever that stands now.

The order always ends with ``_id``, so it has no ties, and documents inserted or removed before the place of a token
change nothing of what follows. A token carries the sort values of the last document and a digest of collection, filter
and order, and is signed (HMAC-SHA-256, RFC 2104): one that was altered, or belongs to another query, is refused.
"""

# The class of an Any is Unknown to pyright, and tokens are read as Any.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lexigram.contracts.domain.pagination import CursorPage
from lexigram.nosql.driver import Call, Document
from lexigram.nosql.exceptions import PageTokenError, QueryOptionError
from lexigram.nosql.query.builder import DocumentQuery, DocumentQueryBuilder
from lexigram.nosql.query.options import parse_count, parse_find
from lexigram.nosql.query.parse import Query, parse_filter
from lexigram.nosql.query.projection import parse_projection
from lexigram.nosql.query.sort import Sort, parse_sort
from lexigram.nosql.values.extended_json import dumps, loads
from lexigram.nosql.values.kinds import RANKS, Kind, kind_of
from lexigram.nosql.values.order import value_of_key
from pydantic import SecretStr

if TYPE_CHECKING:
    from lexigram.nosql.collection import Collection

__all__ = ["PageTokens", "find_page"]

_MAC_BYTES = 16
_LARGEST_PAGE = 10_000


class PageTokens:
    """Writes and reads the tokens of one store.

    Args:
        secret: Key that signs them; a random one when missing.
    """

    def __init__(self, secret: SecretStr | None) -> None:
        text = secret.get_secret_value() if secret is not None else secrets.token_hex(32)
        self._key = hashlib.sha256(text.encode()).digest()

    def write(self, digest: str, place: Sequence[Any]) -> str:
        """The token for what comes after a place."""
        body = dumps([digest, place])
        raw = body.encode()
        return base64.urlsafe_b64encode(self._sign(raw) + raw).decode("ascii").rstrip("=")

    def read(self, token: str, digest: str) -> tuple[Any, ...]:
        """The place in a token.

        Raises:
            PageTokenError: It was altered, signed with another key, or belongs to another query.
        """
        try:
            raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except (ValueError, AttributeError) as error:
            raise PageTokenError("this is not a page token") from error
        signature, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(signature, self._sign(body)):
            raise PageTokenError(
                "the page token was altered, or signed by another process",
                hint="Start again from the first page; set page_token_secret to share tokens between processes.",
            )
        owner, place = loads(body)
        if owner != digest:
            raise PageTokenError(
                "the page token belongs to another query", hint="Use the same filter and sort for all pages."
            )
        return tuple(_tuples(key) for key in place)

    def _sign(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()[:_MAC_BYTES]


async def find_page(
    collection: Collection, filter: Any, sort: Any, size: int, token: str | None, projection: Any, call: Call
) -> CursorPage[Document]:
    """One page; see :meth:`Collection.find_page`."""
    if parse_count("size", size) < 1 or size > _LARGEST_PAGE:
        raise QueryOptionError(f"size must be 1 to {_LARGEST_PAGE}, not {size}")
    request = parse_find(filter, projection, sort)
    if request.skip or request.limit:
        raise QueryOptionError("find_page() takes a size, so the query may carry no skip or limit")
    order = _total(request.sort, request.query)
    tokens = collection.store.page_tokens
    given = _mapping(filter)
    digest = _digest(collection.name, given, order)
    query, after = request.query, None
    if token is not None:
        place = tokens.read(token, digest)
        after = order.key_at(place)
        query = _from(request.query, given, order, place)
    fields = None if request.projection is None else parse_projection(projection, query=request.query)
    reading = replace(request, query=query, sort=order, projection=None, limit=0, batch_size=size + 1)
    found: list[Document] = []
    async with aclosing(collection.read(reading, call)) as batches:
        async for batch in batches:
            found += batch if after is None else [document for document in batch if after < order.key(document)]
            if len(found) > size:
                break
    items, more = found[:size], len(found) > size
    following = tokens.write(digest, order.place(items[-1])) if more else None
    shown = items if fields is None else [fields.apply(document) for document in items]
    return CursorPage(shown, next_cursor=following, has_more=more, has_previous=token is not None)


def _total(sort: Sort | None, query: Query) -> Sort:
    """The order with ``_id`` at its end, so that no two documents share a place."""
    if sort is not None and sort.has_meta:
        raise QueryOptionError("find_page() orders by fields, not by $meta or $natural")
    keys = list(sort.fields) if sort is not None else []
    if all(path != "_id" for path, _ in keys):
        keys.append(("_id", 1))
    total = parse_sort(keys, collation=query.collation)
    if total is None:
        raise QueryOptionError("find_page() needs an order")
    return total


def _mapping(filter: Any) -> dict[str, Any]:
    """A filter as it was written."""
    query = filter.build() if isinstance(filter, DocumentQueryBuilder) else filter
    return dict(query.filter if isinstance(query, DocumentQuery) else query or {})


def _digest(name: str, given: dict[str, Any], order: Sort) -> str:
    """What a token is bound to: the collection, the filter as written, the order."""
    facts = repr((name, given, order.fields))
    return hashlib.sha256(facts.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _tuples(data: Any) -> Any:
    """Keys are tuples, which JSON writes as lists."""
    return tuple([_tuples(item) for item in data]) if isinstance(data, list) else data


def _from(query: Query, given: dict[str, Any], order: Sort, place: Sequence[Any]) -> Query:
    """The query, narrowed to documents that can stand at or after a place.

    It selects a superset, in terms that indexes serve: the exact comparison is made on what comes back. Branch *n*
    holds the documents that agree in the first *n* keys and do not stand before in the next.
    """
    if order.collation is not None or order.has_meta:
        return query
    branches: list[dict[str, Any]] = []
    same: list[dict[str, Any]] = []
    for (path, direction), key in zip(order.fields, place, strict=True):
        value = value_of_key(key)
        following = None if value is None else _at_or_after(path, direction, value)
        if following is None:
            return query
        branches.append({"$and": [*same, following]})
        same.append({path: {"$eq": value}})
    return parse_filter({"$and": [given, {"$or": branches}]})


def _at_or_after(path: str, direction: int, value: Any) -> dict[str, Any]:
    """A filter for values at or after *value*, across types."""
    rank = RANKS[kind_of(value)]
    further = [
        other.value
        for other in Kind
        if other is not Kind.MISSING and (RANKS[other] > rank if direction > 0 else RANKS[other] < rank)
    ]
    bound: list[dict[str, Any]] = [{path: {"$gte" if direction > 0 else "$lte": value}}]
    if further:
        bound.append({path: {"$type": further}})
    if direction < 0:
        bound += [{path: None}, {path: {"$size": 0}}]
    return {"$or": bound}

"""Keyset pagination: a page begins after the last document of the one before, wherever that stands now.

The order always ends with ``_id``, so it has no ties, and documents inserted or removed before the place of a token
change nothing of what follows. A token carries the sort values of the last document and a digest of collection, filter
and order, covered from view, and is signed (HMAC-SHA-256, RFC 2104): one that was altered, or belongs to another query,
is refused.
"""

# The class of an Any is Unknown to pyright, and tokens are read as Any.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import secrets
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lexigram.contracts.domain.pagination import CursorPage
from lexigram.nosql.driver import Call, Document
from lexigram.nosql.exceptions import PageTokenError, QueryOptionError
from lexigram.nosql.query.builder import DocumentQuery, DocumentQueryBuilder
from lexigram.nosql.query.numbers import parse_count
from lexigram.nosql.query.options import parse_find
from lexigram.nosql.query.parse import Query, parse_filter
from lexigram.nosql.query.plain import copy_filter
from lexigram.nosql.query.plan import FindRequest
from lexigram.nosql.query.projection import Projection
from lexigram.nosql.query.sort import Sort, parse_sort
from lexigram.nosql.query.unparse import unparse
from lexigram.nosql.values.extended_json import dumps, loads
from lexigram.nosql.values.kinds import RANKS, Kind
from lexigram.nosql.values.order import NAN_KEY, value_of_key
from pydantic import SecretStr

if TYPE_CHECKING:
    from lexigram.nosql.collection import Collection

__all__ = ["PageRequest", "PageTokens", "prepare_page", "read_page", "total_order"]

_MAC_BYTES = 16
_LARGEST_PAGE = 10_000
_NULL_RANK = RANKS[Kind.NULL]
_RANKS = frozenset(RANKS[kind] for kind in Kind if kind is not Kind.MISSING)


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
        body = dumps([digest, place]).encode()
        signature = self._sign(body)
        return _text(signature + self._hide(body, signature))

    def read(self, token: str, digest: str) -> tuple[Any, ...]:
        """The place in a token.

        Raises:
            PageTokenError: It was altered, signed with another key, or belongs to another query.
        """
        try:
            raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
            if _text(raw) != token:  # characters were read over
                raise ValueError(token)  # noqa: TRY301 - the same fault as any other text
        except (ValueError, AttributeError, TypeError) as error:
            raise PageTokenError("this is not a page token", hint="Use next_cursor of the page before.") from error
        signature = raw[:_MAC_BYTES]
        body = self._hide(raw[_MAC_BYTES:], signature)
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

    def _hide(self, body: bytes, signature: bytes) -> bytes:
        """Cover a body, or uncover it: its bytes are mixed with a stream that key and signature determine.

        The sort values of a document then show neither in URLs nor in logs. SHAKE-256 (FIPS 202) makes the stream.
        """
        stream = hashlib.shake_256(self._key + signature).digest(len(body))
        return (int.from_bytes(body) ^ int.from_bytes(stream)).to_bytes(len(body))

    def _sign(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()[:_MAC_BYTES]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page, its arguments checked.

    Attributes:
        request: Filter and whole order, without the projection.
        order: That order.
        fields: The projection.
        given: The filter as it was written.
        digest: What its tokens are bound to.
        place: Where it begins; None for the first.
        size: Documents in it.
    """

    request: FindRequest
    order: Sort
    fields: Projection | None
    given: dict[str, Any]
    digest: str
    place: tuple[Any, ...] | None
    size: int


def prepare_page(
    collection: Collection, filter: Any, sort: Any, size: int, token: str | None, projection: Any
) -> PageRequest:
    """Check the arguments of :meth:`Collection.find_page`; nothing is sent.

    Raises:
        PageTokenError: The token was altered, or belongs to another query.
        QueryOptionError: The size is out of bounds, or the order is none by fields.
        NoSQLFilterError: The filter is not valid.
    """
    if not 1 <= parse_count("size", size) <= _LARGEST_PAGE:
        raise QueryOptionError(f"size must be 1 to {_LARGEST_PAGE}, not {size}")
    request = parse_find(filter, projection, sort)
    if request.skip or request.limit:
        raise QueryOptionError("find_page() takes a size, so the query may carry no skip or limit")
    order = total_order(request)
    given = _mapping(filter, request.query)
    digest = _digest(collection.name, given, order)
    place = None if token is None else collection.store.page_tokens.read(token, digest)
    whole = replace(request, sort=order, projection=None)
    return PageRequest(whole, order, request.projection, given, digest, place, size)


async def read_page(collection: Collection, page: PageRequest, call: Call) -> CursorPage[Document]:
    """One page; see :meth:`Collection.find_page`."""
    found = await _following(collection, page, call)
    items, more = found[: page.size], len(found) > page.size
    following = collection.store.page_tokens.write(page.digest, page.order.place(items[-1])) if more else None
    fields = page.fields
    shown = items if fields is None else [fields.apply(document) for document in items]
    return CursorPage(shown, next_cursor=following, has_more=more, has_previous=page.place is not None)


def total_order(request: FindRequest) -> Sort:
    """The order of a request with ``_id`` at its end, so that no two documents share a place.

    Raises:
        QueryOptionError: It is not an order by fields.
    """
    sort = request.sort
    if sort is not None and sort.has_meta:
        raise QueryOptionError("find_page() orders by fields, not by $meta or $natural")
    keys = {} if sort is None else dict(sort.fields)
    keys.setdefault("_id", 1)
    total = parse_sort(keys, collation=request.query.collation)
    if total is None:
        raise QueryOptionError("find_page() needs an order")
    return total


async def _following(collection: Collection, page: PageRequest, call: Call) -> list[Document]:
    """The first documents after a place, one more than the page holds if there are so many."""
    order, place, wanted = page.order, page.place, page.size + 1
    found: list[Document] = []
    limit = wanted
    sharp = False
    while True:
        query = page.request.query if place is None else _narrowed(page.request.query, page.given, order, place, sharp)
        reading = replace(page.request, query=query, limit=limit, after=place, batch_size=limit)
        bound = None if place is None else order.key_at(place)
        last: Document | None = None
        count = 0
        async with aclosing(collection.read(reading, call)) as batches:
            async for batch in batches:
                count += len(batch)
                last = batch[-1]
                found += batch if bound is None else [item for item in batch if bound < order.key(item)]
        if last is None or count < limit or len(found) >= wanted:
            return found[:wanted]
        # The filter selects a superset: arrays match by any element, but stand at the place of one.
        if bound is None or bound < order.key(last):
            place = order.place(last)
        elif sharp:
            limit *= 2
        sharp = True


def _mapping(filter: Any, query: Query) -> dict[str, Any]:
    """A filter as it was written."""
    if isinstance(filter, Query):
        return unparse(query.root)
    given = filter.build() if isinstance(filter, DocumentQueryBuilder) else filter
    return copy_filter(given.filter if isinstance(given, DocumentQuery) else given or {})


def _digest(name: str, given: dict[str, Any], order: Sort) -> str:
    """What a token is bound to: the collection, the filter as written, the order."""
    facts = repr((name, given, order.fields))
    return hashlib.sha256(facts.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _tuples(data: Any) -> Any:
    """Keys are tuples, which JSON writes as lists."""
    return tuple([_tuples(item) for item in data]) if isinstance(data, list) else data


def _narrowed(query: Query, given: dict[str, Any], order: Sort, place: Sequence[Any], sharp: bool) -> Query:
    """The query, narrowed to documents that can stand after a place.

    It selects a superset, in terms that indexes serve: the exact comparison is made on what comes back. Branch *n*
    holds the documents that agree in the first *n* fields and come after in the next. *sharp* also leaves out arrays
    with an element that stands before the place, which costs backends that cannot say so natively a look at each.
    """
    if order.collation is not None:
        return query
    branches: list[dict[str, Any]] = []
    same: list[dict[str, Any]] = []
    for (path, direction), key in zip(order.fields, place, strict=True):
        following = _after(path, direction, key)
        if following:
            straddling = _before(path, direction, key) if sharp else []
            branches.append({"$and": [*same, _either(following), *straddling]})
        same.append(_either(_equal(path, key)))
    return parse_filter({"$and": [given, {"$or": branches}]}) if branches else query


def _either(conditions: list[dict[str, Any]]) -> dict[str, Any]:
    return conditions[0] if len(conditions) == 1 else {"$or": conditions}


def _equal(path: str, key: Any) -> list[dict[str, Any]]:
    """Conditions of which one holds for each document whose *path* stands at *key*."""
    value = value_of_key(key)
    if value is not None:
        return [{path: {"$eq": value}}]
    conditions = [_of_ranks(path, {_rank(key)})]
    return [*conditions, *_absent(path)] if key[0] <= _NULL_RANK else conditions


def _after(path: str, direction: int, key: Any) -> list[dict[str, Any]]:
    """Conditions of which one holds for each document whose *path* stands after *key*; none if nothing can."""
    rank = _rank(key)
    value = value_of_key(key)
    if direction > 0:
        further = {other for other in _RANKS if other > rank or (other == rank and value is None)}
        conditions = [] if value is None else [{path: {"$gt": value}}]
        absent = rank < _NULL_RANK
    else:
        further = {other for other in _RANKS if other < rank or (other == rank and value is None)}
        conditions = [] if value is None else [{path: {"$lt": value}}]
        if value is not None and rank == RANKS[Kind.DOUBLE]:
            conditions.append({path: {"$eq": math.nan}})
        absent = True
    if further:
        conditions.append(_of_ranks(path, further))
    return [*conditions, *_absent(path)] if absent else conditions


def _before(path: str, direction: int, key: Any) -> list[dict[str, Any]]:
    """Conditions that no document after *key* fails: no element stands at it or before.

    An array stands at its least element, in falling order at its greatest. Left out where a condition could mean a
    whole array, or where a name in the path could be a position.
    """
    value = value_of_key(key)
    rank = _rank(key)
    if any(part.isdigit() for part in path.split(".")) or isinstance(value, list):
        return []
    conditions: list[dict[str, Any]] = []
    if value is not None:
        conditions.append({path: {"$not": {"$lte" if direction > 0 else "$gte": value}}})
    nearer = {other for other in _RANKS if (other < rank if direction > 0 else other > rank)} - {RANKS[Kind.ARRAY]}
    if nearer:
        conditions.append({path: {"$not": _of_ranks(path, nearer)[path]}})
    return conditions


def _rank(key: Any) -> int:
    """The rank of the types at a place; NaN is a number with a rank of its own in keys."""
    rank: int = key[0]
    return RANKS[Kind.DOUBLE] if rank == NAN_KEY[0] else rank


def _of_ranks(path: str, ranks: set[int]) -> dict[str, Any]:
    return {path: {"$type": [kind.value for kind in Kind if kind is not Kind.MISSING and RANKS[kind] in ranks]}}


def _absent(path: str) -> list[dict[str, Any]]:
    """Conditions for documents where a path reaches nothing, null, or an empty array."""
    return [{path: None}, {path: {"$exists": False}}, {path: {"$size": 0}}]

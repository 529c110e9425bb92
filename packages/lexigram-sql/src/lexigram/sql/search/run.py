"""Runs a full text search."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from lexigram.contracts.data.sql.database import Params, Row
from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.search.queries import FTSDialect, MySQLFTSQuery, PostgresFTSQuery, SQLiteFTSQuery, words_of

__all__ = ["FTSResult", "full_text_search"]

_OF: Final = {
    SQLDialect.POSTGRESQL: FTSDialect.POSTGRES,
    SQLDialect.MYSQL: FTSDialect.MYSQL,
    SQLDialect.SQLITE: FTSDialect.SQLITE,
}


class _Searched(Protocol):
    @property
    def dialect(self) -> SQLDialect: ...
    async def fetch(self, sql: str, params: Params = None) -> list[Row]: ...


@dataclass(frozen=True, slots=True)
class FTSResult:
    """What a search found.

    Attributes:
        rows: The rows, the best first; ``fts_rank`` says how good, in the database's own measure.
        total: How many there are in all.
        query: The text that was looked for.
        execution_time: Seconds that it took.
    """

    rows: Sequence[Row]
    total: int
    query: str
    execution_time: float

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


async def full_text_search(
    *,
    provider: Any,
    table: str,
    columns: Sequence[str],
    query: str,
    dialect: FTSDialect | str | None = None,
    select: Sequence[str] = (),
    limit: int = 20,
    offset: int = 0,
    language: str | None = None,
) -> FTSResult:
    """Find the rows whose columns have all the words of a text; see :mod:`lexigram.sql.search.queries`.

    Args:
        provider: The database.
        table: The table.
        columns: Where to look.
        query: The text; its punctuation means nothing. Without a word, nothing is found.
        dialect: Whose search; the database's own when None.
        select: The columns to return; all when empty.
        limit: The most rows.
        offset: How many to leave out at the start.
        language: Whose rules words follow, on PostgreSQL; ``english`` when None. Elsewhere the table says it.

    Raises:
        DataQueryError: The database does not search this way, or a part is missing.
    """
    started = time.perf_counter()
    db: _Searched = provider
    own = _OF[db.dialect]
    if dialect is not None and FTSDialect(str(dialect).lower().replace("postgresql", "postgres")) is not own:
        raise DataQueryError(f"this database searches as {own}, not {dialect}", hint="Leave dialect out.")
    if language is not None and own is not FTSDialect.POSTGRES:
        raise DataQueryError(f"the tables of {own} say themselves what words are", hint="Leave language out.")
    settings: dict[str, Any] = {
        "table": table,
        "columns": columns,
        "query": query,
        "select": select,
        "limit": limit,
        "offset": offset,
    }
    search: PostgresFTSQuery | MySQLFTSQuery | SQLiteFTSQuery
    match own:
        case FTSDialect.POSTGRES:
            search = PostgresFTSQuery(**settings, language=language or "english")
        case FTSDialect.MYSQL:
            search = MySQLFTSQuery(**settings)
        case FTSDialect.SQLITE:
            search = SQLiteFTSQuery(**settings)
    rows: list[Row] = []
    total = 0
    if words_of(query):
        rows = await db.fetch(*search.build())
        total = len(rows) + offset
        if not rows or len(rows) == limit:
            (counted,) = await db.fetch(*search.build_count())
            total = next(iter(counted.values()))
    return FTSResult(rows, total, query, time.perf_counter() - started)

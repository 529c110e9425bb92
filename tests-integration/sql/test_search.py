"""Full text search on every database: all words, anywhere in the columns, the best rows first."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from lexigram.sql import FTSDialect, full_text_search
from lexigram.sql.exceptions import DataQueryError, InvalidIdentifierError
from lexigram.sql.providers import DatabaseService
from sql.place import Opener, Place

_ARTICLES = [
    (1, "Lamps", "Copper lamps, copper wires and nothing but copper"),
    (2, "Copper", "A metal that lamps are seldom made of"),
    (3, "Chairs", "Wooden chairs for gardens"),
    (4, "Gardens", "Where chairs stand"),
]


@pytest_asyncio.fixture
async def articles(open_db: Opener, place: Place) -> DatabaseService:
    """Return a database with articles."""
    db = await open_db()
    await db.execute(
        place[
            "CREATE VIRTUAL TABLE article USING fts5(number, title, body)"
            " | CREATE TABLE article (number INTEGER, title TEXT, body TEXT)"
            " | CREATE TABLE article (number INTEGER, title TEXT, body TEXT, FULLTEXT (title, body), FULLTEXT (body))"
        ]
    )
    await db.execute_many("INSERT INTO article (number, title, body) VALUES (?, ?, ?)", _ARTICLES)
    return db


async def _found(db: DatabaseService, text: str, *columns: str) -> list[int]:
    found = await full_text_search(provider=db, table="article", columns=columns or ("title", "body"), query=text)
    assert found.total == len(found)
    return [int(row["number"]) for row in found]


async def test_rows_with_all_words_are_found_wherever_they_stand(articles: DatabaseService) -> None:
    """In any of the columns, whatever their case."""
    assert sorted(await _found(articles, "copper LAMPS")) == [1, 2]
    assert await _found(articles, "wooden gardens") == [3]
    assert await _found(articles, "copper chairs") == []
    assert await _found(articles, "copper", "body") == [1]


async def test_the_best_row_is_first(articles: DatabaseService) -> None:
    """By the database's own measure."""
    found = await full_text_search(provider=articles, table="article", columns=["title", "body"], query="copper")
    assert [row["fts_rank"] for row in found] == sorted((row["fts_rank"] for row in found), reverse=True)
    assert {int(row["number"]) for row in found} == {1, 2}


async def test_pages_of_what_is_found_know_how_much_there_is(articles: DatabaseService) -> None:
    """Whichever page it is."""
    for offset, rows in ((0, 1), (1, 1), (2, 0)):
        found = await full_text_search(
            provider=articles,
            table="article",
            columns=["title", "body"],
            query="copper",
            select=["title"],
            limit=1,
            offset=offset,
        )
        assert (len(found), found.total) == (rows, 2)
        assert all(set(row) == {"title", "fts_rank"} for row in found)


@pytest.mark.parametrize("text", ["", "  ", "!?&|", "***", '"', "-"])
async def test_a_text_without_a_word_finds_nothing(articles: DatabaseService, text: str) -> None:
    """And is no error."""
    assert await _found(articles, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "copper' OR 1=1 --",
        'copper" OR title:chairs',
        "copper | chairs",
        "copper -lamps",
        "copper NOT lamps NEAR",
        "copper*) & (chairs",
        "+copper >chairs ~lamps",
        "$1 %s ? :x copper",
        "copper {title} : x",
    ],
)
async def test_operators_in_a_text_mean_nothing(articles: DatabaseService, text: str) -> None:
    """They are no words, and what is left must all be found."""
    assert set(await _found(articles, text)) <= {1, 2}


async def test_what_a_database_does_not_search_by_is_refused(articles: DatabaseService, place: Place) -> None:
    """With a word on what to do."""
    own = FTSDialect(place.kind)
    other = next(one for one in FTSDialect if one is not own)
    with pytest.raises(DataQueryError, match=f"searches as {own}"):
        await full_text_search(provider=articles, table="article", columns=["title"], query="a", dialect=other)
    with pytest.raises(DataQueryError, match="columns to look in"):
        await full_text_search(provider=articles, table="article", columns=[], query="a", dialect=own)
    for wrong in ({"table": 'a"; --'}, {"columns": ['a"']}, {"select": ["a b"]}):
        settings: dict[str, Any] = {"table": "article", "columns": ["title"], **wrong}
        with pytest.raises(InvalidIdentifierError):
            await full_text_search(provider=articles, query="a", **settings)
    with pytest.raises(DataQueryError):
        await full_text_search(
            provider=articles, table="article", columns=["title"], query="a", language="english'; --"
        )


async def test_words_follow_the_rules_of_a_language_on_postgres(articles: DatabaseService, place: Place) -> None:
    """Stems in English, nothing but the words themselves without a language."""
    if place.kind != "postgres":
        pytest.skip("the languages of searches are PostgreSQL's")
    settings: dict[str, Any] = {"provider": articles, "table": "article", "columns": ["body"], "query": "chair"}
    assert len(await full_text_search(**settings)) == 2
    assert len(await full_text_search(**settings, language="simple", dialect="postgresql")) == 0

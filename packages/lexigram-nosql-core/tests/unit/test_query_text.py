"""$text over the strings of documents."""

from __future__ import annotations

from typing import Any

import pytest
from lexigram.nosql.exceptions import NoSQLFilterError
from lexigram.nosql.query.interpret import Context, document_matcher
from lexigram.nosql.query.parse import parse_filter

DOCUMENTS: list[dict[str, Any]] = [
    {"_id": 1, "title": "Coffee and cakes", "body": ["A cafe in Paris", {"note": "espresso"}]},
    {"_id": 2, "title": "Coffee shopping", "body": []},
    {"_id": 3, "title": "Baking a cake", "n": 5},
    {"_id": 4, "title": "Café society"},
    {"_id": 5, "title": "coffee"},
    {"_id": 6, "title": "The and of"},
]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ({"$search": "coffee"}, [1, 2, 5]),
        ({"$search": "coffee cake"}, [1, 2, 3, 5]),
        ({"$search": "cafe"}, [1, 4]),
        ({"$search": "café", "$diacriticSensitive": True}, [4]),
        ({"$search": "coffee", "$caseSensitive": True}, [5]),
        ({"$search": "coffee -shopping"}, [2 - 1, 5]),
        ({"$search": '"coffee shopping"'}, [2]),
        ({"$search": '"coffee shop"'}, [2]),
        ({"$search": '"coffee shopping" cake'}, [2]),
        ({"$search": 'coffee -"and cakes"'}, [2, 5]),
        ({"$search": '"cof'}, [1, 2, 5] if False else []),
        ({"$search": "espresso"}, [1]),
        ({"$search": "paris-coffee"}, [1, 2, 5]),
        ({"$search": "the and"}, []),
        ({"$search": "the and", "$language": "none"}, [1, 6]),
        ({"$search": "and", "$language": "es"}, [1, 6]),
        ({"$search": "-coffee"}, []),
        ({"$search": ""}, []),
        ({"$search": "society's"}, []),
    ],
)
def test_a_search_finds_words_and_phrases(text: dict[str, Any], ids: list[int]):
    """Any word, all phrases, none of what is excluded; common English words do not count."""
    query = parse_filter({"$text": text})

    assert [document["_id"] for document in query.select(DOCUMENTS)] == ids
    interpreted = document_matcher(query.root, Context())
    assert [document["_id"] for document in DOCUMENTS if interpreted(document)] == ids


def test_only_indexed_fields_are_searched_once_they_are_known():
    """Arrays and paths through them included."""
    query = parse_filter({"$text": {"$search": "espresso coffee"}})

    assert [d["_id"] for d in query.with_text_fields(["title"]).select(DOCUMENTS)] == [1, 2, 5]
    assert [d["_id"] for d in query.with_text_fields(["body.note", "n"]).select(DOCUMENTS)] == [1]
    assert [d["_id"] for d in query.with_text_fields(None).select(DOCUMENTS)] == [1, 2, 5]
    assert query.text is not None
    assert query.text.search == "espresso coffee"
    assert parse_filter({"a": 1}).text is None


def test_scores_rank_matches():
    """A word that is the whole field scores most; repeated words score more; none scores nothing."""
    query = parse_filter({"$text": {"$search": "coffee"}})
    scores = {document["_id"]: query.text_score(document) for document in DOCUMENTS}

    assert scores[5] == pytest.approx(1.1)
    assert scores[2] == pytest.approx(0.75)
    assert scores[3] == 0.0
    assert query.text_score({"a": "coffee coffee tea tea"}) == pytest.approx(1.5 * 0.75)
    with pytest.raises(NoSQLFilterError, match="text") as caught:
        parse_filter({"a": 1}).text_score({})
    assert caught.value.mongo_code == 40218


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (1, 14),
        ({}, 14),
        ({"$search": 1}, 14),
        ({"$search": "x", "$language": 1}, 14),
        ({"$search": "x", "$language": "klingon"}, 2),
        ({"$search": "x", "$caseSensitive": 1}, 14),
        ({"$search": "x", "$diacriticSensitive": "no"}, 14),
        ({"$search": "x", "$serch": "x"}, 2),
    ],
)
def test_a_wrong_search_is_refused(text: Any, code: int):
    """With MongoDB's code."""
    with pytest.raises(NoSQLFilterError) as caught:
        parse_filter({"$text": text})
    assert caught.value.mongo_code == code

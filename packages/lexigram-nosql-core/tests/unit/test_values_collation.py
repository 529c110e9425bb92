"""Comparing text as people of a language do."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from lexigram.nosql.exceptions import QueryOptionError
from lexigram.nosql.values.collation import Collation, parse_collation
from pymongo.collation import Collation as PymongoCollation


def collation(**settings: Any) -> Collation:
    made = parse_collation({"locale": "en", **settings})
    assert made is not None
    return made


def ordered(words: list[str], **settings: Any) -> list[str]:
    return sorted(words, key=collation(**settings).string_key)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ["", "_a", "-a", "1", "10", "9", "a", "A", "á", "Á", "ab", "b"]),
        ({}, ["a b", "a-b", "ab", "cote", "coté", "côte", "côté", "resume", "Resume", "résumé", "Résumé", "z"]),
        ({}, ["oe", "œ", "of", "ss", "ß", "st", "z", "þ", "ж"]),
        ({"locale": "fr_CA"}, ["cote", "côte", "coté", "côté"]),
        ({"locale": "fr_CA", "backwards": False}, ["cote", "coté", "côte", "côté"]),
        ({"backwards": True}, ["cote", "côte", "coté", "côté"]),
        ({"locale": "da"}, ["A", "a", "B"]),
        ({"locale": "da", "caseFirst": "off"}, ["a", "A", "b"]),
        ({"locale": "es"}, ["n", "nz", "ñ", "ña", "o"]),
        ({"locale": "sv"}, ["a", "y", "ü", "z", "å", "ä", "ö"]),
        ({"locale": "da"}, ["a", "z", "æ", "ø", "å", "aa"]),
        ({"locale": "nb"}, ["z", "æ", "ø", "å"]),
        ({"locale": "no"}, ["z", "æ", "ø", "å"]),
        ({"locale": "de"}, ["a", "ä", "b", "o", "ö", "z"]),
        ({"locale": "pl"}, ["a", "ą", "b", "l", "ł", "m", "z", "ź", "ż"]),
        ({"locale": "cs"}, ["c", "cz", "č", "h", "hz", "ch", "i"]),
        ({"locale": "hr"}, ["c", "č", "ć", "d", "dž", "đ", "l", "lj", "m"]),
        ({"locale": "tr"}, ["h", "\u0131", "i", "İ", "j", "o", "ö", "p"]),
        ({"caseFirst": "upper"}, ["A", "a", "Ab", "ab"]),
        ({"caseFirst": "lower"}, ["a", "A"]),
        ({"numericOrdering": True}, ["a1", "a2", "a10", "a010b", "a11", "b1"]),
        ({"alternate": "shifted", "strength": 4}, ["a b", "a-b", "ab", "b"]),
        ({}, ["\u0301", "a\u00a0b", "a\u3000b", "a€", "a٣", "a5"]),
    ],
)
def test_words_stand_as_the_locale_wants(settings: dict[str, Any], words: list[str]):
    """A list in the right order stays as it is, and its reverse is put right."""
    assert ordered(words, **settings) == words
    assert ordered(words[::-1], **settings) == words


@pytest.mark.parametrize(
    ("settings", "a", "b", "same"),
    [
        ({"strength": 1}, "Résumé", "resume", True),
        ({"strength": 2}, "Resume", "resume", True),
        ({"strength": 2}, "résumé", "resume", False),
        ({"strength": 3}, "Resume", "resume", False),
        ({"strength": 1, "caseLevel": True}, "résumé", "resume", True),
        ({"strength": 1, "caseLevel": True}, "Resume", "resume", False),
        ({"strength": 1}, "straße", "STRASSE", True),
        ({"strength": 1}, "æ", "ae", True),
        ({"strength": 3}, "é", "e\u0301", True),
        ({"strength": 5}, "a\u200d", "a", False),
        ({"strength": 3}, "a\u200d", "a", True),
        ({"alternate": "shifted"}, "a-b c", "abc", True),
        ({"alternate": "shifted", "maxVariable": "space"}, "a b", "ab", True),
        ({"alternate": "shifted", "maxVariable": "space"}, "a-b", "ab", False),
        ({"alternate": "shifted", "strength": 4}, "a-b", "ab", False),
        ({"numericOrdering": True}, "a01", "a1", True),
        ({"numericOrdering": True}, "a٣", "a3", True),
    ],
)
def test_strength_says_what_makes_a_difference(settings: dict[str, Any], a: str, b: str, same: bool):
    """Base letters, accents, case, punctuation, code points, in this order."""
    order = collation(**settings)

    assert order.equal(a, b) is same
    assert (order.compare(a, b) == 0) is same
    assert (order.hash_key([a]) == order.hash_key([b])) is same
    assert order.compare(a, b) == -order.compare(b, a)


def test_a_collation_compares_text_inside_values():
    """Arrays and fields follow it, other types compare as ever."""
    order = collation(strength=1)

    assert order.equal({"a": ["É"]}, {"a": ["e"]})
    assert order.compare(1, "a") == -1
    assert order.compare(2, 1) == 1


def test_simple_is_no_collation():
    """Neither is None."""
    assert parse_collation({"locale": "simple"}) is None
    assert parse_collation(None) is None


def test_equal_specifications_give_one_object():
    """Settings left out have their defaults, pymongo's class is accepted, and pickles come back to the same object."""
    order = collation(strength=2)

    assert parse_collation({"strength": 2.0, "locale": "en", "caseLevel": False, "version": "57.1"}) is order
    assert parse_collation(PymongoCollation("en", strength=2)) is order
    assert parse_collation(order) is order
    assert pickle.loads(pickle.dumps(order)) is order
    assert order.document()["strength"] == 2


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ({}, 40414),
        ({"locale": 5}, 14),
        ({"locale": "tlh"}, 2),
        ({"locale": ""}, 2),
        ({"locale": "en", "strength": 0}, 51024),
        ({"locale": "en", "strength": 2.5}, 51024),
        ({"locale": "en", "strength": True}, 14),
        ({"locale": "en", "strength": [1]}, 14),
        ({"locale": "simple", "strength": 1}, 9),
        ({"locale": "en", "strength": 1, "backwards": True}, 2),
        ({"locale": "fr_CA", "strength": 1}, 2),
        ({"locale": "en", "strength": 2, "caseFirst": "upper"}, 2),
        ({"locale": "en", "caseLevel": 1}, 14),
        ({"locale": "en", "caseFirst": "both"}, 2),
        ({"locale": "en", "alternate": []}, 2),
        ({"locale": "en", "unknown": 1}, 40415),
        ({"locale": "en", 5: 1}, 40415),
        ("en", 14),
        (5, 14),
    ],
)
def test_a_wrong_specification_is_refused(spec: Any, code: int):
    """With MongoDB's code; an unknown locale lists those that are carried."""
    with pytest.raises(QueryOptionError) as caught:
        parse_collation(spec)
    assert caught.value.mongo_code == code

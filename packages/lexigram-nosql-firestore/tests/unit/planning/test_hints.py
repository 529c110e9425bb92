"""Hints are read, and kept: a document that breaks one is refused."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from lexigram.nosql.backends.firestore.planning import parse_hints
from lexigram.nosql.exceptions import DocumentValidationError


def check(hint: str, document: dict[str, Any], path: str = "a") -> None:
    """Check a document against one hint."""
    parse_hints({"things": {path: hint}})["things"].check({"_id": "x", **document})


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        ("text", "x"),
        ("text", None),
        ("text", "x" * 1500),
        ("int", 5),
        ("number", 5.5),
        ("decimal", Decimal(5)),
        ("bool", True),
        ("date", datetime(2026, 1, 1, tzinfo=UTC)),
        ("bytes", b"x"),
        ("uuid", uuid.UUID(int=1)),
        ("scalar", "x" * 2000),
        ("scalar", Decimal(5)),
        ("map", {}),
        ("array", [1, "x", None, Decimal(1)]),
        ("array of text", ["x", None]),
        ("text or int", 5),
        ("array of int or int", [5]),
        ("required text", "x"),
    ],
)
def test_a_document_keeps_a_hint(hint: str, value: Any) -> None:
    """Nothing is raised."""
    check(hint, {"a": value})


@pytest.mark.parametrize(
    ("hint", "document"),
    [
        ("text", {"a": 5}),
        ("text", {"a": ["x"]}),
        ("text", {"a": "x" * 1501}),
        ("text", {"a": "é" * 751}),
        ("int", {"a": 5.0}),
        ("int", {"a": True}),
        ("number", {"a": float("nan")}),
        ("number", {"a": Decimal(5)}),
        ("scalar", {"a": []}),
        ("scalar", {"a": {}}),
        ("map", {"a": [{}]}),
        ("array", {"a": "x"}),
        ("array", {"a": [[1]]}),
        ("array", {"a": [{}]}),
        ("array of int", {"a": [1, "x"]}),
        ("required text", {"a": None}),
        ("required text", {}),
    ],
)
def test_a_document_that_breaks_a_hint_is_refused(hint: str, document: dict[str, Any]) -> None:
    """The error says which field, and what the hint is."""
    with pytest.raises(DocumentValidationError) as caught:
        check(hint, document)
    assert caught.value.path == "a"
    assert hint in str(caught.value)


def test_a_dotted_path_passes_through_no_array() -> None:
    """Nor through anything else that is no dict."""
    check("text", {"a": {"b": "x"}}, "a.b")
    check("text", {}, "a.b")
    for above in ([{"b": "x"}], "x"):
        with pytest.raises(DocumentValidationError):
            check("text", {"a": above}, "a.b")


@pytest.mark.parametrize("identity", [5, "a/b", "~x", "__id5__", ""])
def test_ids_that_are_no_plain_text_break_the_hint_for_ids(identity: Any) -> None:
    """They do not stand where their text stands."""
    with pytest.raises(DocumentValidationError):
        check("text", {"_id": identity}, "_id")


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("a", ""),
        ("a", "string"),
        ("a", "text required"),
        ("a", "array of map"),
        ("a", "array of array"),
        ("a", "text of int"),
        ("a..b", "text"),
        ("_id", "int"),
        ("_id.a", "text"),
    ],
)
def test_what_is_no_hint_is_refused(path: str, hint: str) -> None:
    """When the configuration is read."""
    with pytest.raises(ValueError, match="hint"):
        parse_hints({"things": {path: hint}})

"""``lexigram nosql find`` and ``explain``."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from lexigram.nosql.cli.options import read_projection, read_sort
from lexigram.nosql.cli.showing import document_table, printable
from rich.console import Console

ITEMS = b"""\
{"_id":1,"name":"pen","price":{"$numberDecimal":"1.50"},"at":{"$date":"2026-01-01T00:00:00Z"}}
{"_id":2,"name":"ink","tags":["blue","black"]}
{"_id":3,"name":"paper","price":5}
"""


@pytest.fixture
def items(command: Any, held: Any) -> Iterator[Any]:
    """The command on a store with three documents."""
    command.options = ["-d", "held"]
    assert command("import", "items", "-", stdin=ITEMS).code == 0
    return command


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_documents_come_as_lines_in_a_pipe(items: Any) -> None:
    """One document each, every type kept."""
    assert lines(items("find", "items", "--sort", "_id").out) == [
        {
            "_id": 1,
            "name": "pen",
            "price": {"$numberDecimal": "1.50"},
            "at": {"$date": "2026-01-01T00:00:00.000Z"},
        },
        {"_id": 2, "name": "ink", "tags": ["blue", "black"]},
        {"_id": 3, "name": "paper", "price": 5},
    ]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["-f", '{"price": {"$exists": true}}'], [1, 3]),
        (["-f", '{"at": {"$date": "2026-01-01T00:00:00Z"}}'], [1]),
        (["-f", '{"name": {"$regularExpression": {"pattern": "^p", "options": ""}}}'], [1, 3]),
        (["--sort", "-name"], [1, 3, 2]),
        (["--sort", '{"name": 1}'], [2, 3, 1]),
        (["--skip", "1", "-n", "1"], [2]),
        (["-n", "0"], [1, 2, 3]),
        (["-f", '{"_id": 9}'], []),
    ],
)
def test_options_choose_the_documents(items: Any, options: list[str], ids: list[int]) -> None:
    """Filter, sort, skip and limit mean what they mean everywhere."""
    found = [document["_id"] for document in lines(items("find", "items", *options).out)]
    assert found == ids if "--sort" in options else sorted(found) == ids


def test_projections_choose_the_fields(items: Any) -> None:
    """Names, names with a minus, and JSON."""
    assert lines(items("find", "items", "-f", '{"_id":3}', "--projection", "name,-_id").out) == [{"name": "paper"}]
    assert lines(items("find", "items", "-f", '{"_id":3}', "--projection", "-price").out) == [
        {"_id": 3, "name": "paper"}
    ]
    assert lines(items("find", "items", "-f", '{"_id":2}', "--projection", '{"tags":{"$slice":1}}').out) == [
        {"_id": 2, "name": "ink", "tags": ["blue"]}
    ]


def test_short_forms_are_read() -> None:
    """Signs before names, blanks around them."""
    assert read_sort("a, -b,+c.d") == [("a", 1), ("b", -1), ("c.d", 1)]
    assert read_projection("a, -b") == {"a": 1, "b": 0}
    assert read_sort(None) is None
    assert read_projection(None) is None


def test_documents_come_as_a_table_when_asked(items: Any) -> None:
    """First fields as columns; dates and decimals without their types; nothing is a note."""
    outcome = items("find", "items", "--format", "table", "--sort", "_id")
    rows = outcome.out.splitlines()
    assert rows[0].split() == ["_id", "name", "price", "at", "tags"]
    assert rows[1].split() == ["1", "pen", "1.50", "2026-01-01T00:00:00.000Z"]
    assert rows[2].split() == ["2", "ink", '["blue",', '"black"]']
    assert outcome.err == ""
    nothing = items("find", "items", "--format", "table", "-f", '{"_id": 9}')
    assert (nothing.out, nothing.err) == ("", "No document matches.\n")


def test_a_table_shows_twenty_and_says_so(items: Any) -> None:
    """A limit, or 0, shows what was asked for without remark."""
    items("import", "many", "-", stdin="".join(f'{{"_id":{n}}}\n' for n in range(30)).encode())
    table = items("find", "many", "--format", "table")
    assert len(table.out.splitlines()) == 21
    assert "The first 20 are shown" in table.err
    for limit, rows in (("25", 26), ("0", 31), ("30", 31)):
        table = items("find", "many", "--format", "table", "-n", limit)
        assert len(table.out.splitlines()) == rows
        assert table.err == ""


def test_many_fields_are_counted() -> None:
    """Ten columns are shown, the rest is said."""
    made = document_table([{"_id": 1, **{f"f{n}": n for n in range(15)}}, {"x": 1}])
    out = io.StringIO()
    Console(file=out, width=300).print(made)
    assert "f8 " in out.getvalue()
    assert "f9" not in out.getvalue()
    assert "6 more" in out.getvalue()


def test_a_projection_without_id_has_no_empty_column() -> None:
    """The column appears when a document has it."""
    assert [column.header for column in document_table([{"a": 1}]).columns] == ["a"]


def test_what_a_document_holds_cannot_play_with_the_terminal(items: Any) -> None:
    """Escape sequences, in names and values, are spelled out; so is markup left alone."""
    evil = b'{"_id":1,"\\u001b[31mred":"\\u001b]0;title\\u0007","m":"[bold]x[/bold]","l":"' + b"x" * 500 + b'"}\n'
    items("import", "evil", "-", stdin=evil)
    shown = items("find", "evil", "--format", "table").out
    assert "\x1b" not in shown
    assert "\\x1b]0;title\\x07" in shown
    assert "[bold]x[/bold]" in shown
    assert "…" in shown
    assert printable("a\nb") == "a\\nb"


def test_explain_shows_how_a_request_would_run(items: Any) -> None:
    """By key for an id; a scan otherwise, with the filter; nothing is run."""
    assert items("explain", "items", "-f", '{"_id": 1}').out.startswith("find on items (memory): key") or items(
        "explain", "items", "-f", '{"_id": 1}'
    ).out.startswith("find on items (held): key")
    scan = items("explain", "items", "-f", '{"name": "pen"}', "--sort", "price", "-n", "2").out
    assert "scan" in scan
    assert "documents_examined" not in scan


def test_explain_can_run_the_request(items: Any) -> None:
    """Then it says what was read."""
    shown = items("explain", "items", "-f", '{"name": "pen"}', "--run").out
    assert "documents_examined: 3" in shown
    assert "documents_returned: 1" in shown


def test_explain_as_json(items: Any) -> None:
    """The plan as data, for updates as well."""
    plan = json.loads(items("explain", "items", "-f", '{"_id": 1}', "--operation", "update_one", "--json").out)
    assert plan["operation"] == "update_one"
    assert plan["access"]["kind"] == "key"
    assert plan["write"] == "replace-if-unchanged"


def test_explain_says_what_is_left_to_the_engine(command: Any, jsonfiles: Any, tmp_path: Any) -> None:
    """A backend that evaluates nothing leaves the whole filter."""
    command.configure(f"  driver: jsonfiles\n  jsonfiles: {{folder: {tmp_path / 'db'}, scan_policy: allow}}\n")
    shown = command("explain", "items", "-f", '{"n": {"$gt": 3}}', "--sort", "n", "-n", "5").out
    assert "find on items (jsonfiles): scan" in shown
    assert "residue: {'n': {'$gt': 3}}" in shown
    assert "sort: engine" in shown
    assert "limit: engine" in shown

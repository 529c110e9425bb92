"""YAML and TOML files as trees: values, lines, and everything that is refused."""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Any

import pytest
from lexigram.config.toml_file import parse_toml
from lexigram.config.tree import Node, Section, dotted, find, leaves, parse_key, to_plain
from lexigram.config.yaml_file import parse_yaml
from lexigram.contracts.exceptions.config import ConfigurationError


def lines_of(tree: Node) -> dict[str, int | None]:
    """The line of each value."""
    return {dotted(path): leaf.source.line for path, leaf in leaves(tree)}


def yaml_value(text: str) -> Any:
    """What a plain YAML value means."""
    return to_plain(parse_yaml(f"x: {text}", "x.yaml"))["x"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("!!null ''", None),
        ("true", True), ("FALSE", False), ("!!bool true", True),
        ("yes", "yes"), ("no", "no"), ("NO", "NO"), ("on", "on"), ("off", "off"), ("y", "y"),
        ("0", 0), ("-7", -7), ("+7", 7), ("0o17", 15), ("0x1F", 31), ("!!int '5'", 5), ("1_000", "1_000"),
        ("007", "007"), ("0123", "0123"), ("12:30", "12:30"), ("1:2:3", "1:2:3"),
        ("1.5", 1.5), ("-.5", -0.5), ("1.", 1.0), ("1.0e3", 1000.0), ("1e3", "1e3"), ("!!float '1e3'", 1000.0),
        (".inf", math.inf), ("-.inf", -math.inf),
        ("2026-01-02", "2026-01-02"), ("'5'", "5"), ('"5"', "5"), ("!!str 5", "5"), ("! 5", "5"), ("=", "="),
        ("[1, a, {b: c}]", [1, "a", {"b": "c"}]), ("{}", {}), ("[]", []),
        ("!!map {a: 1}", {"a": 1}), ("!!seq [1]", [1]),
        ('"\\u00e9"', "é"), ('"\\U0001F600"', "😀"), ("9" * 100, int("9" * 100)),
    ],
)  # fmt: skip
def test_yaml_values_follow_the_core_schema(text: str, value: Any) -> None:
    """No country becomes false and no time becomes a number."""
    found = yaml_value(text)

    assert found == value
    assert type(found) is type(value)


def test_yaml_knows_not_a_number() -> None:
    """It is a float like any other until a model refuses it."""
    assert math.isnan(yaml_value(".nan"))


def test_yaml_values_know_their_lines() -> None:
    """Also in lists, flow style and text over several lines."""
    tree = parse_yaml("a: 1\nb:\n  - x\n  - c: |\n      long\n      text\n    d: [1,\n      2]\n", "app.yaml")

    assert lines_of(tree) == {"a": 1, "b[0]": 3, "b[1].c": 4, "b[1].d[0]": 7, "b[1].d[1]": 8}
    assert str(find(tree, parse_key("b.1.c")).source) == "app.yaml:4"  # type: ignore[union-attr]


def test_yaml_anchors_aliases_and_merge_keys_work() -> None:
    """The nearer word counts: own keys before merged ones, earlier merged ones before later ones."""
    text = """
base: &base {host: h, port: 1}
other: &other {port: 2, user: u}
one: {<<: *base, port: 9}
two:
  <<: [*base, *other]
three:
  <<: *base
  <<: *other
list: &list [1, 2]
again: *list
"""
    plain = to_plain(parse_yaml(text, "x"))

    assert plain["one"] == {"host": "h", "port": 9}
    assert plain["two"] == {"host": "h", "port": 1, "user": "u"}
    assert plain["three"] == {"host": "h", "port": 1, "user": "u"}
    assert plain["again"] == [1, 2]
    assert to_plain(parse_yaml("{'<<': 5}", "x")) == {"<<": 5}
    assert plain["again"] is not plain["list"]


def test_yaml_keys_are_text_as_written() -> None:
    """A number or a word that means something else elsewhere is a name here."""
    assert to_plain(parse_yaml("1: a\ntrue: b\nnull: c\n? d\n: e\n'': f", "x")) == {
        "1": "a",
        "true": "b",
        "null": "c",
        "d": "e",
        "": "f",
    }


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", "---", "null", "--- ~\n..."])
def test_an_empty_yaml_document_is_an_empty_section(text: str) -> None:
    """A profile's file may be empty."""
    tree = parse_yaml(text, "x")

    assert isinstance(tree, Section)
    assert to_plain(tree) == {}


BOMB = "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: [1, 2", 1, 9, "expected ',' or ']'"),
        ("a: 1\n b: 2", 2, 3, "mapping values are not allowed here"),
        ("a: 1\n\tb: 2", 2, 1, "found character '\\t' that cannot start any token"),
        ("a: 'open", 1, 9, "found unexpected end of stream"),
        ("a: 1\nb: 2\na: 3", 3, 1, "the key 'a' is there twice, first in line 1"),
        ("a: {b: 1, b: 2}", 1, 11, "the key 'b' is there twice"),
        ("a: 1\n---\nb: 2", 2, 1, "more than one document"),
        ("? [a, b]\n: c", 1, 3, "a key must be text, not a list or a section"),
        ("a: &x 1\n*x : 2", 2, 1, "a key must be text, not an alias"),
        ("a: &x [1, *x]", 1, 11, "makes a value contain itself"),
        ("a: &x {b: {c: *x}}", 1, 15, "makes a value contain itself"),
        ("a: *nobody", 1, 4, "the alias *nobody has no anchor"),
        ("a: !!python/object/apply:os.system ['true']", 1, 4, "the tag 'tag:yaml.org,2002:python/object/apply"),
        ("a: !mine 5", 1, 4, "the tag '!mine' is not supported"),
        ("a: !mine {}", 1, 4, "the tag '!mine' is not supported"),
        ("a: !!binary aGk=", 1, 4, "the tag 'tag:yaml.org,2002:binary' is not supported"),
        ("a: !!int five", 1, 4, "'five' is no int"),
        ("a: !!bool maybe", 1, 4, "'maybe' is no bool"),
        ("a: {<<: 5}", 1, 9, "only sections can be merged"),
        ('a: "\\ud800"', 1, 4, "lone surrogates"),
        ("a: b\x00c", 1, 5, "a character is not allowed in YAML"),
        ("x: y\na: b\x07c", 2, 5, "a character is not allowed in YAML"),
        ("a: " + "9" * 5000, 1, 4, "a number of 5000 digits is too long"),
        ("a: !!int " + "9" * 5000, 1, 4, "is no int"),
        ("[" * 10_000, 1, 101, "nested more than 100 levels"),
        ("\n".join("  " * n + "a:" for n in range(200)), None, None, "nested more than 100 levels"),
        (BOMB, None, None, "more than 100000 values, aliases counted"),
        ("%YAML 3.0\n---\na: 1", 1, 1, "incompatible YAML document"),
    ],
)  # fmt: skip
def test_bad_yaml_is_refused_with_line_and_column(
    text: str, line: int | None, column: int | None, message: str
) -> None:
    """Malformed, ambiguous, dangerous or without end."""
    with pytest.raises(ConfigurationError, match=re.escape(message)) as caught:
        parse_yaml(text, "app.yaml")

    assert caught.value.message.startswith("app.yaml, line ")
    if line is not None:
        assert (caught.value.line, caught.value.column) == (line, column)
        assert caught.value.source == f"app.yaml:{line}"


TOML = '''
title = "x"   # a comment with [brackets] = and "quotes"
[owner]
name = "Tom # no comment"
"quoted.key" = 1
'literal "key"' = 2
dotted.key.path = 3
dob = 1979-05-27

text = """
[not.a.table]
key = "not a key" \\"""
"""
raw = \'\'\'
x = 1
\'\'\'
list = [
  1, # [
  { a = "]" },
]
after = true

[servers . "alpha\\u0041"]
ip = "::1"

[[products]]
name = "a"
  [products.size]
  w = 1
[[products]]
name = "b"
[[products.parts]]
id = 1
[[products.parts]]
id = 2
'''


def test_toml_values_know_their_lines() -> None:
    """Tables, dotted and quoted keys, lists of tables, and nothing inside long texts."""
    tree = parse_toml(TOML, "app.toml")

    assert lines_of(tree) == {
        "title": 2,
        "owner.name": 4,
        "owner.quoted.key": 5,
        'owner.literal "key"': 6,
        "owner.dotted.key.path": 7,
        "owner.dob": 8,
        "owner.text": 10,
        "owner.raw": 14,
        "owner.list[0]": 17,
        "owner.list[1].a": 17,
        "owner.after": 21,
        "servers.alphaA.ip": 24,
        "products[0].name": 27,
        "products[0].size.w": 29,
        "products[1].name": 31,
        "products[1].parts[0].id": 33,
        "products[1].parts[1].id": 35,
    }
    assert to_plain(tree)["owner"]["dob"] == date(1979, 5, 27)


def test_an_empty_toml_document_is_an_empty_section() -> None:
    """As for YAML."""
    assert to_plain(parse_toml("", "x")) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = ", "app.toml, line 1, column 5: Invalid value"),
        ("a = 1\na = 2", "app.toml, line 2, column 6: Cannot overwrite a value"),
        ("[t]\nb = 1\n[t]", "app.toml, line 3"),
        ('a = "\\ud800"', "app.toml, line 1"),
        ("a = " + "9" * 5000, "app.toml, line 1"),
        ("a = 1\nb = ]", "app.toml, line 2, column 5: Invalid value"),
        ("a = " + "[" * 10_000, "app.toml"),
        ("a = " + "[" * 200 + "]" * 200, "nested more than 100 levels"),
        (".".join(["a"] * 10_000) + " = 1", "nested more than 100 levels"),
        ("a = 'x\x00'", "app.toml, line 1"),
    ],
)
def test_bad_toml_is_refused(text: str, message: str) -> None:
    """With the line where the parser tells one."""
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        parse_toml(text, "app.toml")

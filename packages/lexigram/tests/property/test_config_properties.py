"""What holds for all texts, passwords, lists and trees."""

from __future__ import annotations

import json
import string
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from lexigram.config import MASK, BaseConfig, ConfigurationError, LexigramConfig, mask_url
from lexigram.config.environment import Assignment, apply_assignments
from lexigram.config.interpolation import InterpolationError, escape, expand
from lexigram.config.tree import Section, Source, SourceKind, find, from_plain, leaves, merge, to_plain
from lexigram.config.yaml_file import parse_yaml
from lexigram.suggestions import near_miss
from pydantic import SecretStr, ValidationError

FILE = Source(SourceKind.FILE, "x.yaml")
TEXT = st.text(max_size=40)
NAME = st.text(string.ascii_letters + "_", min_size=1, max_size=8).map("V_".__add__)


def no_secret(name: str) -> tuple[str, str]:
    """There are none here."""
    raise InterpolationError(name)


@given(TEXT)
def test_text_without_references_is_unchanged(text: str) -> None:
    """Whatever dollars and braces it has."""
    assume("${" not in text)

    assert expand(text, {}.get, no_secret)[0] == text


@given(st.text("${}:a$", max_size=30))
def test_escaped_text_is_given_back(text: str) -> None:
    """escape() is the inverse of expand()."""
    assert expand(escape(text), {}.get, no_secret)[0] == text


@given(st.lists(NAME, min_size=1, max_size=12, unique=True), TEXT, st.data())
def test_nested_defaults_give_the_first_variable_that_is_set(names: list[str], value: str, data: st.DataObject) -> None:
    """``${A:${B:${C:x}}}`` for any depth; the last default if none is set."""
    assume("{" not in value)
    assume("}" not in value)
    last = value.replace("$", "")
    text = "".join(f"${{{name}:" for name in names) + last + "}" * len(names)
    known = data.draw(st.dictionaries(st.sampled_from(names), TEXT))
    first = next((known[name] for name in names if name in known), last)

    assert expand(text, known.get, no_secret)[0] == first
    assert expand(f"<{text}|{text}>", known.get, no_secret)[0] == f"<{first}|{first}>"


@given(st.text("${}:aB_ secret", max_size=60))
def test_any_text_expands_or_is_refused_with_our_error(text: str) -> None:
    """Nothing else can happen."""
    with suppress(InterpolationError):
        expand(text, {"a": "1", "aB": "2"}.get, lambda _: ("hush", "test"))


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 9), min_size=1), max_size=12), st.data())
def test_lists_given_by_index_are_those_lists(elements: list[dict[str, int]], data: st.DataObject) -> None:
    """In whatever order the variables come, and on whatever list of the files they lie."""
    assignments = [
        Assignment(("list", str(index), key), str(value), Source(SourceKind.ENVIRONMENT, f"LEX_LIST__{index}__{key}"))
        for index, element in enumerate(elements)
        for key, value in element.items()
    ]
    below = data.draw(st.lists(st.dictionaries(st.sampled_from("abcd"), st.just("file")), max_size=5))
    root = from_plain({"list": below}, FILE)
    assert isinstance(root, Section)
    result = to_plain(apply_assignments(root, data.draw(st.permutations(assignments))))["list"]

    expected = [dict(element) for element in below]
    for index, element in enumerate(elements):
        named = {key: str(value) for key, value in element.items()}
        expected[index : index + 1] = [(expected[index] if index < len(expected) else {}) | named]
    assert result == expected


ODD = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="*"), max_size=15)
PASSWORD = st.builds("{}§§{}".format, ODD, ODD)  # the middle makes sure that it is no word of the surroundings


class Holder(BaseConfig):
    """Holds a password in several ways."""

    uri: str
    password: str
    secret: SecretStr
    nested: dict[str, Any]


@given(PASSWORD, st.booleans())
def test_a_password_never_appears_in_any_form(password: str, encoded: bool) -> None:
    """As it is or percent-encoded, in URLs of one host or several, in models, trails, data and errors."""
    written = quote(password, safe="") if encoded else password
    uri = f"mongodb://user:{written}@host-a:27017,host-b:27017/database?retryWrites=true"
    assert written not in mask_url(uri)
    assert mask_url(uri) == f"mongodb://user:{MASK}@host-a:27017,host-b:27017/database?retryWrites=true"

    values = {"uri": uri, "password": written, "secret": written, "nested": {"api_key": written, "url": uri}}
    model = Holder(**values)
    whole = LexigramConfig.from_dict({"own": values})
    with pytest.raises(ConfigurationError) as wrong:
        Holder.from_dict({**values, "uri": [written], "nested": uri, "zzz": written, "password": [written]})
    with pytest.raises(ValidationError) as invalid:
        Holder(**{**values, "nested": uri})
    dumped = json.dumps([model.to_dict(), whole.to_dict()], ensure_ascii=False)
    for text in (repr(model), str(model), repr(whole), dumped, str(whole.trail()), str(invalid.value)):
        assert written not in text
    assert f"{{'api_key': '{MASK}'" in repr(model)
    assert uri not in str(wrong.value)
    assert model.uri == uri


@given(st.text(string.ascii_lowercase + "_", min_size=5, max_size=20), st.data())
def test_a_single_slip_is_always_suggested(known: str, data: st.DataObject) -> None:
    """A letter left out, doubled or changed."""
    assume(len(set(known.replace("_", ""))) > 2)
    position = data.draw(st.integers(0, len(known) - 1))
    slip = data.draw(st.sampled_from(["", known[position] * 2, "x"]))
    written = known[:position] + slip + known[position + 1 :]

    assert near_miss(written, [known]) == known


@given(st.text(max_size=50), st.lists(st.text(max_size=20)))
def test_a_suggestion_is_one_of_the_known(written: str, known: list[str]) -> None:
    """Or nothing."""
    assert near_miss(written, known) in {None, *known}


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(st.text(max_size=8), PLAIN, max_size=5))
def test_yaml_that_others_write_is_read_as_they_mean_it(data: dict[str, Any]) -> None:
    """PyYAML quotes what it would read as something else; what is left reads the same here."""
    text = yaml.safe_dump(data)

    assert to_plain(parse_yaml(text, "x")) == data


@given(st.binary(max_size=200) | st.text("[]{}:,-?&*!|>'\"%@`# \n\tab1", max_size=80).map(str.encode))
def test_junk_is_a_tree_or_our_error(junk: bytes) -> None:
    """Never another exception."""
    with suppress(ConfigurationError):
        parse_yaml(junk.decode(errors="surrogateescape"), "x")


@given(*[st.dictionaries(st.sampled_from("abc"), PLAIN, max_size=3)] * 2)
def test_what_lies_over_counts_and_the_rest_stays(one: dict[str, Any], two: dict[str, Any]) -> None:
    """Laying the same over it again changes nothing, and neither source is changed."""
    a, b = from_plain(one, FILE), from_plain(two, FILE)
    both = merge(a, b)

    for path, leaf in leaves(b):
        if path and to_plain(leaf) != {}:
            found = find(both, path)
            assert found is not None
            assert to_plain(found) == to_plain(leaf)
    for key in one.keys() - two.keys():
        assert to_plain(both)[key] == one[key]
    assert to_plain(merge(both, b)) == to_plain(both)
    assert to_plain(merge(a, from_plain({}, FILE))) == to_plain(merge(a, a)) == one
    assert (to_plain(a), to_plain(b)) == (one, two)

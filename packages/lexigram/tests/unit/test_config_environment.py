"""Settings from variables: names, lists by index, JSON, conflicts, and the .env file."""

from __future__ import annotations

import os
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
from lexigram.config import BaseConfig
from lexigram.config.environment import dotenv_lines
from lexigram.config.sources import DotenvSource, EnvironmentSource
from lexigram.config.tree import (
    Section,
    Source,
    SourceKind,
    Text,
    dotted,
    find,
    from_plain,
    leaves,
    parse_key,
    to_plain,
)
from lexigram.contracts.exceptions.config import ConfigurationError

FILE = Source(SourceKind.FILE, "application.yaml")
FIELDS = frozenset({"app_name", "debug", "env"})


def applied(environ: dict[str, str], data: dict[str, Any] | None = None, dotenv: str = "") -> Section:
    """The tree of *data* with the variables laid over it."""
    root = from_plain(data or {}, FILE)
    assert isinstance(root, Section)
    with TemporaryDirectory() as folder, chdir(folder), patch.dict(os.environ, environ, clear=True):
        Path(".env").write_text(dotenv, encoding="utf-8")
        tree = DotenvSource(BaseConfig, Path(".env"), FIELDS).over(root)
        return EnvironmentSource(BaseConfig, FIELDS).over(tree)


def plain(environ: dict[str, str], data: dict[str, Any] | None = None, dotenv: str = "") -> Any:
    """The same as plain data."""
    return to_plain(applied(environ, data, dotenv))


def test_two_underscores_go_down_a_level() -> None:
    """One underscore is part of a name; other variables mean nothing."""
    assert plain({"LEX_NOSQL__MONGODB__MAX_POOL_SIZE": "5", "HOME": "/root", "LEXICON": "x"}) == {
        "nosql": {"mongodb": {"max_pool_size": "5"}}
    }


def test_values_from_variables_are_text_of_a_kind_of_their_own() -> None:
    """So that models can read them generously."""
    tree = applied({"LEX_PORT": "5"})

    assert type(to_plain(tree)["port"]) is Text
    assert str(find(tree, ("port",)).source) == "environment variable LEX_PORT"  # type: ignore[union-attr]


def test_the_applications_own_settings_have_two_spellings() -> None:
    """LEX_APP_NAME and LEX_APP__APP_NAME; other keys of a section app are that section's."""
    assert plain({"LEX_APP_NAME": "shop"}) == {"app_name": "shop"}
    assert plain({"LEX_APP__APP_NAME": "shop"}) == {"app_name": "shop"}
    assert plain({"LEX_APP__APP_NAME": "shop", "LEX_APP_NAME": "shop"}) == {"app_name": "shop"}
    assert plain({"LEX_APP__COLOUR": "red"}) == {"app": {"colour": "red"}}


def test_two_spellings_must_not_differ() -> None:
    """Neither wins silently."""
    with pytest.raises(ConfigurationError, match="LEX_APP_NAME and LEX_APP__APP_NAME both set app_name"):
        plain({"LEX_APP__APP_NAME": "a", "LEX_APP_NAME": "b"})


def test_the_environment_has_several_names() -> None:
    """APP_ENV counts if nothing of ours is set."""
    assert plain({"LEX_ENV": "production"}) == {"env": "production"}
    assert plain({"LEX_ENVIRONMENT": "production"}) == {"env": "production"}
    assert plain({"APP_ENV": "staging"}) == {"env": "staging"}
    assert plain({"APP_ENV": "staging", "LEX_ENV": "testing"}) == {"env": "testing"}


def test_variables_that_choose_sources_are_no_settings() -> None:
    """The profile is not a section called profile."""
    assert plain({"LEX_PROFILE": "x", "LEX_CONFIG": "y", "LEX_SECRETS_DIR": "z"}) == {}


def test_numbers_make_lists() -> None:
    """In the order of the numbers, not of their spelling."""
    environ = {f"LEX_NOSQL__BACKENDS__{n}__NAME": f"b{n}" for n in reversed(range(12))}

    assert plain(environ) == {"nosql": {"backends": [{"name": f"b{n}"} for n in range(12)]}}


def test_numbers_change_and_extend_lists_of_files() -> None:
    """Element by element; what is not named stays, with its own source."""
    data = {"nosql": {"backends": [{"name": "a", "driver": "memory"}, {"name": "b", "driver": "memory"}]}}
    tree = applied(
        {"LEX_NOSQL__BACKENDS__1__DRIVER": "mongodb", "LEX_NOSQL__BACKENDS__2__NAME": "c", "LEX_L__0__0": "x"}, data
    )

    assert to_plain(tree)["nosql"]["backends"] == [
        {"name": "a", "driver": "memory"},
        {"name": "b", "driver": "mongodb"},
        {"name": "c"},
    ]
    assert to_plain(tree)["l"] == [["x"]]
    assert {dotted(path): leaf.source.kind.value for path, leaf in leaves(tree)} == {
        "nosql.backends[0].name": "file",
        "nosql.backends[0].driver": "file",
        "nosql.backends[1].name": "file",
        "nosql.backends[1].driver": "environment",
        "nosql.backends[2].name": "environment",
        "l[0][0]": "environment",
    }
    assert data["nosql"]["backends"][1] == {"name": "b", "driver": "memory"}


def test_single_elements_of_a_list_of_values_can_be_replaced() -> None:
    """Not only lists of sections."""
    assert plain({"LEX_TAGS__1": "B"}, {"tags": ["a", "b"]}) == {"tags": ["a", "B"]}


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"LEX_L__2": "x"}, r"LEX_L__2 sets \[2\] of l, which has 1 elements; the next one is 1"),
        ({"LEX_M__1__A": "x"}, r"LEX_M__1__A sets \[1\] of m, which has 0 elements; the next one is 0"),
        ({"LEX_L__NAME": "x"}, r"LEX_L__NAME sets \[name\] of l, which is a list; the part after it must be a number"),
        ({"LEX_L__01": "x"}, "must be a number"),
        ({"LEX_L__99999999999999999999": "x"}, "must be a number"),
        ({"LEX_S__A": "x"}, r"LEX_S__A sets a part of s, which is no section \(application.yaml\)"),
        ({"LEX_X": "5", "LEX_X__A": "x"}, "LEX_X__A sets a part of x, which is no section"),
        ({"LEX___A": "x"}, "LEX___A has an empty part"),
        ({"LEX_": "x"}, "LEX_ has an empty part"),
        ({"LEX_A____B": "x"}, "LEX_A____B has an empty part"),
        ({"LEX_" + "__".join(["A"] * 10_000): "x"}, "more than 100 levels"),
        ({"LEX_A": "x\udcff"}, "LEX_A holds bytes that are not UTF-8"),
    ],
)
def test_variables_that_cannot_be_applied_are_errors(environ: dict[str, str], message: str) -> None:
    """Each message names the variable."""
    with pytest.raises(ConfigurationError, match=message):
        plain(environ, {"l": [1], "s": "text"})


def test_numbers_are_keys_where_the_file_has_a_section() -> None:
    """The file says what it is."""
    assert plain({"LEX_CODES__404": "gone"}, {"codes": {"404": "not found"}}) == {"codes": {"404": "gone"}}


def test_numbers_among_names_are_keys() -> None:
    """A list has nothing but numbers."""
    assert plain({"LEX_M__0": "a", "LEX_M__X": "b"}) == {"m": {"0": "a", "x": "b"}}


def test_capitals_in_the_keys_of_files_are_found() -> None:
    """Variables have no small letters; an exact spelling is preferred."""
    assert plain({"LEX_S__MAXSIZE": "2"}, {"S": {"maxSize": 1}}) == {"S": {"maxSize": "2"}}
    assert plain({"LEX_A": "2"}, {"A": 1, "a": 1}) == {"A": 1, "a": "2"}


def test_an_empty_section_of_the_file_can_be_filled() -> None:
    """``nosql:`` with nothing behind it."""
    assert plain({"LEX_NOSQL__DRIVER": "memory"}, {"nosql": None}) == {"nosql": {"driver": "memory"}}


def test_json_in_one_variable_can_be_completed_by_others() -> None:
    """The longer names count more."""
    environ = {"LEX_S": '{"a": 1, "b": [1, 2]}', "LEX_S__B__0": "x", "LEX_S__C": "y"}

    assert plain(environ) == {"s": {"a": 1, "b": ["x", 2], "c": "y"}}
    with pytest.raises(ConfigurationError, match="LEX_S__A sets a part of s"):
        plain({"LEX_S": "{broken", "LEX_S__A": "1"})


def test_dotenv_is_below_the_process_and_above_the_files() -> None:
    """And knows its lines."""
    dotenv = """# comment

export LEX_A=dotenv
LEX_B='quoted # text'
LEX_C
OTHER=x
LEX_D="two
lines"
LEX_E=${OTHER}:${HOME}
"""
    tree = applied({"LEX_B": "process", "HOME": "/root"}, {"a": "file", "f": "file"}, dotenv)

    assert to_plain(tree) == {"a": "dotenv", "b": "process", "d": "two\nlines", "e": "x:/root", "f": "file"}
    assert {dotted(path): str(leaf.source) for path, leaf in leaves(tree)} == {
        "a": ".env:3, LEX_A",
        "b": "environment variable LEX_B",
        "d": ".env:7, LEX_D",
        "e": ".env:9, LEX_E",
        "f": "application.yaml",
    }


def test_a_line_of_dotenv_that_is_no_setting_is_an_error() -> None:
    """With its number, not skipped."""
    with pytest.raises(ConfigurationError, match=r"\.env, line 3: not a setting of the form NAME=value"):
        dotenv_lines("A=1\n\nthis is no setting = 'open\nB=2\n", ".env")


def test_keys_are_read_and_written_as_people_do() -> None:
    """With either notation for places in lists."""
    assert parse_key("a.b[0].c") == parse_key("a.b.0.c") == ("a", "b", "0", "c")
    assert parse_key("") == ()
    assert dotted(("a", 0, "b", 1, 2)) == "a[0].b[1][2]"
    tree = from_plain({"a": [{"b": 1}]}, FILE)
    assert to_plain(find(tree, parse_key("a[0].b"))) == 1  # type: ignore[arg-type]
    for missing in ("a[1]", "a[-1]", "a.x", "a[0].b.c", "x"):
        assert find(tree, parse_key(missing)) is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({1: 2}, "keys are text; 1 is int"),
        ({"a": {None: 2}}, "keys are text; None is NoneType"),
        ({"a": "\ud800"}, "lone surrogates"),
        ({"\ud800": 1}, "lone surrogates"),
        ({"a": ["x", "\udfff"]}, "lone surrogates"),
    ],
)
def test_plain_data_that_is_no_configuration_is_refused(data: Any, message: str) -> None:
    """Keys that are not text, text that is not Unicode."""
    with pytest.raises(ConfigurationError, match=message):
        from_plain(data, FILE)


def test_cycles_and_deep_nesting_are_refused() -> None:
    """Before Python's own limit is reached."""
    cyclic: dict[str, Any] = {}
    cyclic["a"] = [cyclic]
    deep: Any = 1
    for _ in range(10_000):
        deep = {"a": deep}

    for data in (cyclic, deep):
        with pytest.raises(ConfigurationError, match="nested more than 100 levels deep, or contains itself"):
            from_plain(data, FILE)

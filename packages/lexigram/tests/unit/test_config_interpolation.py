"""References in values: variables, defaults, secrets, escapes and what is not well-formed."""

from __future__ import annotations

import pytest
from lexigram.config.interpolation import InterpolationError, escape, expand

VARIABLES = {"HOST": "db.example", "EMPTY": "", "STAGE": "PROD", "TRICKY": "${HOST} and }"}
SECRETS = {"DB_PASSWORD": "s3cret", "PROD_PASSWORD": "pr0d"}


def expanded(text: str) -> str:
    """The text with the references to the above replaced."""
    return expand(text, VARIABLES.get, lambda name: (SECRETS[name], "test"))[0]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", ""),
        ("plain", "plain"),
        ("${HOST}", "db.example"),
        ("http://${HOST}:80/", "http://db.example:80/"),
        ("${HOST}${HOST}", "db.exampledb.example"),
        ("${EMPTY}", ""),
        ("${EMPTY:default}", ""),
        ("${NONE:default}", "default"),
        ("${NONE:}", ""),
        ("${NONE:mongodb://localhost:27017/x?a=b}", "mongodb://localhost:27017/x?a=b"),
        ("${NONE:${HOST}}", "db.example"),
        ("${NONE:${OTHER:x}}", "x"),
        ("${NONE:${OTHER:${THIRD:${HOST}:1}}:2}", "db.example:1:2"),
        ("${HOST:${NOT_NEEDED}}", "db.example"),
        ('${NONE:{"a": {"b": 1}}}', '{"a": {"b": 1}}'),
        ("$${HOST}", "${HOST}"),
        ("$$${HOST}", "$${HOST}"),
        ("${NONE:$${HOST}}", "${HOST}"),
        ("costs $5 {really}", "costs $5 {really}"),
        ("$HOST", "$HOST"),
        ("}{", "}{"),
        ("${TRICKY}", "${HOST} and }"),
        ("u:${secret:DB_PASSWORD}@h", "u:s3cret@h"),
        ("${secret:${STAGE}_PASSWORD}", "pr0d"),
        ("${NONE:${secret:DB_PASSWORD}}", "s3cret"),
        ("${secret}", None),
    ],
)
def test_references_are_replaced(text: str, result: str | None) -> None:
    """Everything that the module's docstring promises."""
    if result is None:
        with pytest.raises(InterpolationError, match="the variable secret is not set"):
            expanded(text)
    else:
        assert expanded(text) == result


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${MISSING}", r"the variable MISSING is not set; set it, or give a default with \$\{MISSING:default\}"),
        ("${NONE:${MISSING}}", "the variable MISSING is not set"),
        ("${HOST", "has no closing brace"),
        ("${NONE:{}", "has no closing brace"),
        ("${}", "'' is not the name of a variable"),
        ("${:x}", "'' is not the name of a variable"),
        ("${A B}", "'A B' is not the name of a variable"),
        ("${1A:x}", "'1A' is not the name of a variable"),
        ("${" + "X:${" * 60 + "}" * 61, "nested more than 50 levels"),
        ("${X:" * 10_000 + "}" * 10_000, "nested more than 50 levels"),
    ],
)
def test_what_cannot_be_replaced_is_an_error(text: str, message: str) -> None:
    """It says what to do about it."""
    with pytest.raises(InterpolationError, match=message):
        expanded(text)


def test_what_was_used_is_reported() -> None:
    """For the trail: each variable and secret once, in order."""
    text = "${HOST} ${NONE:${STAGE}} ${HOST} ${secret:DB_PASSWORD}"
    _, variables, secrets = expand(text, VARIABLES.get, lambda name: (SECRETS[name], "vault"))

    assert variables == ("HOST", "STAGE")
    assert secrets == ("DB_PASSWORD from vault",)


def test_escape_makes_any_text_plain() -> None:
    """What it writes is read back unchanged."""
    assert expanded(escape("a ${HOST} b $${X} c")) == "a ${HOST} b $${X} c"

"""BaseConfig: unknown keys, wrong values, secrets in every text form, sources, and reading from files."""

from __future__ import annotations

import copy
import logging
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from lexigram.config import (
    MASK,
    BaseConfig,
    ConfigIssue,
    ConfigProblem,
    ConfigurationError,
    ConfigValidationError,
    Environment,
    Secret,
    SourceKind,
)
from pydantic import BaseModel, ConfigDict, Field, SecretBytes, SecretStr, ValidationError, field_validator
from rich.pretty import pretty_repr

Write = Callable[..., Path]


class Mode(StrEnum):
    """A choice."""

    FAST = "fast"
    SAFE = "safe"


class Pool(BaseConfig):
    """Settings inside others."""

    max_pool_size: int = Field(default=100, ge=1)
    timeout: float | None = None


class Node(BaseConfig):
    """An element of a list."""

    name: str
    password: SecretStr | None = None


class Db(BaseConfig):
    """The model of most tests here."""

    config_section: ClassVar[str] = "db"

    uri: str = "mongodb://localhost:27017"
    pool: Pool = Pool()
    nodes: list[Node] = Field(default_factory=list)
    named: dict[str, Node] = Field(default_factory=dict)
    key: Annotated[str | None, Secret()] = None
    inner: Annotated[str, Secret] | None = None
    flagged: str = Field(default="", json_schema_extra={"secret": True})
    blob: SecretBytes | None = None
    ports: list[int] | None = None
    mode: Mode = Mode.SAFE
    level: Literal["low", "high"] = "low"
    concern: str | int = "majority"
    price: Decimal | None = None
    path: Path | None = None
    extra_text: str = Field(default="", alias="extraText")


SECRETS: dict[str, Any] = {
    "uri": "mongodb://root:hush-1@h1:1,h2:2/db",
    "nodes": [{"name": "n", "password": "hush-2"}],
    "named": {"x": {"name": "n", "password": "hush-3"}},
    "key": "hush-4",
    "inner": "hush-5",
    "flagged": "hush-6",
    "blob": "hush-7",
}


def test_secrets_are_masked_in_every_text_form(caplog: pytest.LogCaptureFixture) -> None:
    """repr, str, format, rich and logs; types, marks and URLs."""
    config = Db(**SECRETS)
    logging.getLogger("test").warning("%s %r", config, config)

    for text in (repr(config), str(config), f"{config}", pretty_repr(config), caplog.text, repr({"c": [config]})):
        assert "hush" not in text
        assert f"mongodb://root:{MASK}@h1:1,h2:2/db" in text
    assert "hush" not in str(config.to_dict())
    assert (config.uri, config.key) == (SECRETS["uri"], "hush-4")


def test_to_dict_is_for_people_unless_asked_otherwise() -> None:
    """Masked, it is what JSON takes; otherwise it is the values."""
    config = Db(**SECRETS, path=Path("/x"), price=Decimal("1.50"))

    assert config.to_dict()["nodes"] == [{"name": "n", "password": MASK}]
    assert config.to_dict()["path"] == "/x"
    revealed = config.to_dict(redact_secrets=False)
    assert revealed["nodes"] == [{"name": "n", "password": "hush-2"}]
    assert revealed["uri"] == SECRETS["uri"]
    assert revealed["blob"] == b"hush-7"
    assert revealed["price"] == Decimal("1.50")


def test_an_unknown_key_is_refused_with_the_near_miss() -> None:
    """In models made directly, nested ones included, all at once."""
    with pytest.raises(ValidationError) as caught:
        Db(uril="x", pool={"max_poolsize": 1}, nodes=[{"name": "a", "pasword": "hush"}])  # type: ignore[call-arg]

    assert [(".".join(map(str, e["loc"])), e["msg"]) for e in caught.value.errors()] == [
        ("pool.max_poolsize", "unknown key; did you mean 'max_pool_size'?"),
        ("nodes.0.pasword", "unknown key; did you mean 'password'?"),
        ("uril", "unknown key; did you mean 'uri'?"),
    ]
    assert "hush" not in str(caught.value)


def test_an_unknown_key_without_near_miss_lists_what_is_known() -> None:
    """As long as the list is short."""
    with pytest.raises(ValidationError, match="unknown key; known are: max_pool_size, timeout"):
        Pool(zzz=1)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match=r"unknown key \[type=unknown_key\]"):
        Db(zzz=1)  # type: ignore[call-arg]

    class Empty(BaseConfig):
        pass

    with pytest.raises(ValidationError, match="unknown key; there are no settings here"):
        Empty(zzz=1)  # type: ignore[call-arg]


def test_other_errors_beside_an_unknown_key_keep_their_kind_and_facts() -> None:
    """So that code that looks at them finds what pydantic documents."""

    class Checked(BaseConfig):
        n: int = Field(default=1, ge=1)
        s: str = ""

        @field_validator("s")
        @classmethod
        def _never(cls, value: str) -> str:
            raise ValueError("never {right}")

    with pytest.raises(ValidationError) as caught:
        Checked(n=0, s="x", zzz=1)  # type: ignore[call-arg]

    errors = {e["loc"][0]: e for e in caught.value.errors()}
    assert (errors["n"]["type"], errors["n"]["ctx"]) == ("greater_than_equal", {"ge": 1})
    assert errors["s"]["msg"] == "Value error, never {right}"


def test_bounds_are_value_errors_and_assignments_are_checked() -> None:
    """A configuration cannot become invalid later."""
    config = Pool()
    config.max_pool_size = 5

    with pytest.raises(ValueError, match="greater than or equal to 1"):
        config.max_pool_size = 0
    with pytest.raises(ValueError, match="finite number"):
        Pool(timeout=float("nan"))
    assert config.max_pool_size == 5


def test_from_dict_tells_every_fault_with_key_and_value_but_no_secret() -> None:
    """One error for all of them."""
    data = {
        "uri": 5,
        "pool": {"max_pool_size": "many", "timeot": 1},
        "nodes": [{"password": "hush"}, "hush?", {"name": "x", "password": 4711}],
        "key": ["hush"],
        "flagged": 12,
        "ports": "80",
        "mode": "slow",
        "level": None,
        "concern": [],
        "price": "x",
        "named": 7,
    }
    with pytest.raises(ConfigValidationError) as caught:
        Db.from_dict(data)

    assert {problem.key: problem.message for problem in caught.value.problems} == {
        "uri": "must be a valid string, got number 5",
        "pool.max_pool_size": "must be a valid integer, got text 'many'",
        "pool.timeot": "unknown key; did you mean 'timeout'?",
        "nodes[0].name": "is missing, and there is no default",
        "nodes[1]": "must be a section, got text 'hush?'",
        "nodes[2].password": "must be a valid string, got a secret number",
        "key": "must be a valid string, got list ['**********']",
        "flagged": "must be a valid string, got a secret number",
        "ports": "must be a valid list, got text '80'",
        "mode": "must be 'fast' or 'safe', got text 'slow'",
        "level": "must be 'low' or 'high', got nothing",
        "concern": "must be a valid string or must be a valid integer, got list []",
        "price": "must be a valid decimal, got text 'x'",
        "named": "must be a section, got number 7",
    }
    assert isinstance(caught.value, ConfigurationError)
    assert isinstance(caught.value, ValueError)
    assert "4711" not in str(caught.value)
    assert caught.value.message.startswith("14 problems in the configuration:\n  - ")
    assert caught.value.__cause__ is None
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_single_problem_is_one_line() -> None:
    """With key and source as attributes."""
    with pytest.raises(ConfigValidationError) as caught:
        Pool.from_dict({"max_pool_size": 0})

    assert caught.value.message == "max_pool_size: must be greater than or equal to 1, got number 0 (code)"
    assert (caught.value.key, caught.value.source) == ("max_pool_size", "code")
    assert ConfigValidationError().problems == ()
    assert str(ConfigProblem("", "wrong")) == "wrong"


def test_faults_of_whole_models_are_told_in_their_own_words() -> None:
    """What a validator says, without pydantic's preface."""

    class Pair(BaseConfig):
        low: int = 0
        high: int = 1

        @field_validator("high")
        @classmethod
        def _check(cls, value: int) -> int:
            assert value != 13, "thirteen brings bad luck"
            return value

        def model_post_init(self, context: Any, /) -> None:
            super().model_post_init(context)
            if self.low > self.high:
                raise ValueError("low must not be above high")

    with pytest.raises(ConfigValidationError, match="thirteen brings bad luck"):
        Pair.from_dict({"high": 13})
    with pytest.raises(ValueError, match="low must not be above high"):
        Pair.from_dict({"low": 2})


def test_a_file_is_read_with_its_section(project: Write) -> None:
    """config_section is where the model looks."""
    project("application.yaml", "db:\n  uri: redis://h\n  pool:\n    max_pool_size: 7\nother: 1\n")
    config = Db.from_yaml()

    assert (config.uri, config.pool.max_pool_size) == ("redis://h", 7)
    assert str(config.source_of("uri")) == "application.yaml:2"
    assert str(config.source_of("pool.max_pool_size")) == "application.yaml:4"
    assert str(config.source_of("pool")) == "application.yaml:4"
    assert config.source_of("mode").kind is SourceKind.DEFAULT
    assert str(config.pool.source_of("max_pool_size")) == "application.yaml:4"
    assert config.pool.source_of("timeout").kind is SourceKind.DEFAULT


def test_another_section_can_be_named(project: Write) -> None:
    """Dotted, or the whole file."""
    project("x.yaml", "services:\n  main: {uri: redis://h}\n")
    project("y.toml", 'uri = "redis://i"\n[pool]\nmax_pool_size = 3\n')

    assert Db.from_yaml("x.yaml", section="services.main").uri == "redis://h"
    assert Db.from_yaml("x.yaml").uri == "mongodb://localhost:27017"
    config = Db.from_toml("y.toml", section="")
    assert (config.uri, config.pool.max_pool_size) == ("redis://i", 3)
    assert str(config.source_of("pool.max_pool_size")) == "y.toml:3"


def test_faults_in_files_name_the_line(project: Write) -> None:
    """File and line of every fault, unquoted numbers with a hint."""
    project("application.yaml", "db:\n  uri: 5\n  pool:\n    max_pool_size: 0\n  nodes:\n    - {}\n  uru: x\n")

    with pytest.raises(ConfigValidationError) as caught:
        Db.from_yaml()

    assert [str(problem) for problem in caught.value.problems] == [
        "db.uri: must be a valid string, got number 5; put it in quotes (application.yaml:2)",
        "db.pool.max_pool_size: must be greater than or equal to 1, got number 0 (application.yaml:4)",
        "db.nodes[0].name: is missing, and there is no default (application.yaml:6)",
        "db.uru: unknown key; did you mean 'uri'? (application.yaml:7)",
    ]


def test_variables_are_read_as_the_fields_want_them(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """JSON where a list or section is wanted, nothing for the empty text, text where text will do."""
    for name, value in {
        "PORTS": "[80, 81]",
        "POOL": '{"max_pool_size": 5}',
        "NODES": '[{"name": "a"}]',
        "NAMED__X__NAME": "x",
        "PRICE": "",
        "URI": "[not json but text]",
        "KEY": "",
        "CONCERN": "2",
        "MODE": "fast",
        "EXTRATEXT": "via alias",
        "POOL__TIMEOUT": " ",
    }.items():
        clean_environment.setenv(f"LEX_DB__{name}", value)
    config = Db.from_env_profile()

    assert config.ports == [80, 81]
    assert (config.pool.max_pool_size, config.pool.timeout) == (5, None)
    assert config.nodes == [Node(name="a")]
    assert config.named == {"x": Node(name="x")}
    assert (config.price, config.key) == (None, "")
    assert config.uri == "[not json but text]"
    assert type(config.uri) is str
    assert config.concern == "2"
    assert config.mode is Mode.FAST
    assert str(config.source_of("nodes[0].name")) == "environment variable LEX_DB__NODES"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PORTS", "80,81", "db.ports: must be a valid list, got text '80,81' (environment variable LEX_DB__PORTS)"),
        ("PORTS", "[80", "db.ports: must be a valid list, got text '[80'"),
        ("PORTS", "[80, true, 1.5]", "db.ports[2]: must be a valid integer, got a number with a fractional part"),
        ("PORTS", "[" * 10_000, "db.ports: must be a valid list, got text '[[["),
        ("POOL__MAX_POOL_SIZE", "", "db.pool.max_pool_size: must be a valid integer, got text ''"),
        ("BLOB", "\udcff", "LEX_DB__BLOB holds bytes that are not UTF-8"),
        ("NODES__0__PASWORD", "hush", "db.nodes[0].pasword: unknown key; did you mean 'password'?"),
    ],
)
def test_variables_that_do_not_fit_are_told_by_name(
    clean_environment: pytest.MonkeyPatch, project: Write, name: str, value: str, message: str
) -> None:
    """A person has to find the variable."""
    clean_environment.setenv(f"LEX_DB__{name}", value)

    with pytest.raises(ConfigurationError, match=re.escape(message)) as caught:
        Db.from_env_profile()
    assert "hush" not in str(caught.value)


def test_a_secret_from_a_resolver_is_masked_even_in_a_plain_text_field(project: Write) -> None:
    """The trail knows that the value holds one."""
    nodes = "[{name: '${secret:PW}', password: '${secret:PW}'}]"
    project("application.yaml", f"db:\n  uri: 'x ${{secret:PW}} y'\n  nodes: {nodes}\n")

    class Vault:
        name = "vault"

        def resolve(self, name: str) -> str:
            return {"PW": "hush"}[name]

    config = Db.from_yaml(secrets=Vault())

    assert (config.uri, config.nodes[0].name) == ("x hush y", "hush")
    assert config.nodes[0].password == SecretStr("hush")
    assert "hush" not in f"{config!r} {config.nodes} {config.to_dict()} {config.nodes[0].to_dict()}"
    assert str(config.source_of("uri")) == "application.yaml:2, secret PW from vault"
    assert config.source_of("nodes[0].name").is_secret


def test_a_wrong_value_that_holds_a_secret_is_not_shown(project: Write) -> None:
    """Nor is one under a telling name in a section without marks."""
    project("application.yaml", "db:\n  pool: {max_pool_size: '${secret:PW}', timeout: 'mongodb://u:hush@h'}\n")

    with pytest.raises(ConfigValidationError) as caught:
        Db.from_yaml(secrets=[type("Vault", (), {"resolve": lambda self, name: "hush"})()])
    assert "hush" not in str(caught.value)
    assert "max_pool_size: must be a valid integer, got a secret text" in str(caught.value)
    assert f"got text 'mongodb://u:{MASK}@h'" in str(caught.value)


def test_where_values_came_from_takes_no_part_in_comparing(project: Write) -> None:
    """The same settings are equal, wherever they were written."""
    project("application.yaml", "db: {mode: fast}\n")
    config = Db.from_yaml()

    assert config == Db(mode=Mode.FAST)
    assert config != Db()
    assert copy.deepcopy(config).source_of("mode") == config.source_of("mode")
    assert pickle.loads(pickle.dumps(config)).source_of("mode") == config.source_of("mode")


def test_a_model_of_a_whole_file_ignores_variables_for_others(
    clean_environment: pytest.MonkeyPatch, project: Write
) -> None:
    """LEX_ENV is not an unknown key of a model without a section; a wrong key in the file is."""

    class Tool(BaseConfig):
        colour: str = "red"

    project("tool.yaml", "colour: blue\n")
    clean_environment.setenv("LEX_ENV", "production")
    clean_environment.setenv("LEX_COLOUR", "green")

    assert Tool.from_yaml("tool.yaml").colour == "green"
    assert Tool.from_yaml("tool.yaml", env_override=False).colour == "blue"
    project("tool.yaml", "color: blue\n")
    with pytest.raises(ConfigValidationError, match="did you mean 'colour'"):
        Tool.from_yaml("tool.yaml")


def test_findings_for_an_environment_come_from_all_models_inside() -> None:
    """With keys relative to the outer one."""

    class Warned(BaseConfig):
        on: bool = True

        def validate_for_environment(self, env: Environment | None = None) -> list[ConfigIssue]:
            issues = super().validate_for_environment(env)
            if env is Environment.PRODUCTION and self.on:
                issues += [ConfigIssue("not here", "on"), ConfigIssue("as a whole")]
            return issues

    class Outer(BaseConfig):
        one: Warned = Warned()
        many: list[Warned] = Field(default_factory=list)
        named: dict[str, Warned] = Field(default_factory=dict)

    outer = Outer(many=[Warned(on=False), Warned()], named={"x": Warned()})

    assert [issue.key for issue in outer.validate_for_environment(Environment.PRODUCTION)] == [
        "one.on", "one", "many[1].on", "many[1]", "named.x.on", "named.x",
    ]  # fmt: skip
    assert outer.validate_for_environment(Environment.TESTING) == []


def test_the_environment_for_findings_is_the_processes_own(clean_environment: pytest.MonkeyPatch) -> None:
    """If none is given."""
    seen: list[Environment | None] = []

    class Asked(BaseConfig):
        def validate_for_environment(self, env: Environment | None = None) -> list[ConfigIssue]:
            seen.append(env)
            return []

    class Outer(BaseConfig):
        one: Asked = Asked()

    clean_environment.setenv("LEX_ENV", "staging")
    Outer().validate_for_environment()

    assert seen == [Environment.STAGING]


class Plugged(BaseConfig):
    """A model whose further sections are chosen by one of its values."""

    model_config = ConfigDict(extra="allow")

    driver: str = "pool"

    @classmethod
    def extra_models(cls, given: Mapping[str, Any]) -> Mapping[str, type[BaseModel]]:
        """The section is called as the driver."""
        return {"node": Node} if given.get("driver") == "node" else {"pool": Pool}


def test_sections_of_plugins_are_read_with_the_whole() -> None:
    """Faults have their full keys, values are instances."""
    config = Plugged.from_dict({"pool": {"max_pool_size": 5}})
    assert config.pool == Pool(max_pool_size=5)  # type: ignore[attr-defined]
    assert Plugged.from_dict({"pool": None}).pool == Pool()  # type: ignore[attr-defined]
    assert Plugged().to_dict() == {"driver": "pool"}

    with pytest.raises(ConfigValidationError) as caught:
        Plugged.from_dict({"pool": {"max_pol_size": 5, "timeout": "x"}, "driver": 5})
    assert [problem.key for problem in caught.value.problems] == ["driver", "pool.timeout", "pool.max_pol_size"]

    with pytest.raises(ConfigValidationError, match=r"node\.password: must be a valid string, got a secret number"):
        Plugged.from_dict({"driver": "node", "node": {"name": "x", "password": 4711}})


def test_sections_of_plugins_are_known_to_sources_and_findings(
    clean_environment: pytest.MonkeyPatch, project: Write
) -> None:
    """As if they were fields."""
    clean_environment.setenv("LEX_P__NODE", '{"name": "n", "password": "hush"}')
    clean_environment.setenv("LEX_P__DRIVER", "node")
    config = Plugged.from_env_profile(section="p")

    assert "hush" not in repr(config)
    assert str(config.node.source_of("name")) == "environment variable LEX_P__NODE"  # type: ignore[attr-defined]
    assert config.validate_for_environment() == []


def test_plain_models_and_dataclasses_inside_are_read_too() -> None:
    """BaseConfig is not demanded all the way down."""

    @dataclass
    class Point:
        x: int = 0

    class Plain(BaseModel):
        n: int = 0

    class Outer(BaseConfig):
        point: Point = Field(default_factory=Point)
        plain: Plain = Plain()
        pair: tuple[int, ...] = ()
        anything: Any = None

    config = Outer.from_dict({"point": {"x": "5"}, "plain": {"n": 1}, "pair": [1, 2], "anything": {"a": [1]}})
    assert (config.point.x, config.plain.n, config.pair) == (5, 1, (1, 2))
    assert config.to_dict()["plain"] == {"n": 1}

    with pytest.raises(ConfigValidationError) as caught:
        Outer.from_dict({"plain": {"n": "x"}, "pair": ["x"]})
    assert [problem.key for problem in caught.value.problems] == ["plain.n", "pair[0]"]


def test_what_is_wrong_inside_a_member_of_a_union_is_told_alone() -> None:
    """Not that the other members do not take a section at all."""

    class Outer(BaseConfig):
        either: str | Node | list[Node] = ""
        noted: Annotated[int | str, "a note"] | None = None

    with pytest.raises(ConfigValidationError) as caught:
        Outer.from_dict({"either": {"nam": "x"}, "noted": []})
    assert [(problem.key, problem.message) for problem in caught.value.problems] == [
        ("either.name", "is missing, and there is no default"),
        ("either.nam", "unknown key; did you mean 'name'?"),
        ("noted", "must be a valid integer or must be a valid string, got list []"),
    ]


def test_an_empty_section_is_the_defaults(project: Write) -> None:
    """``db:`` with nothing behind it."""
    project("application.yaml", "db:\n")

    assert Db.from_yaml() == Db()

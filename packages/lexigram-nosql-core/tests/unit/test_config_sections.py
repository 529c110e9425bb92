"""The ``nosql:`` section: one backend or several, sections of backends, and what is refused with a suggestion."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import lexigram.nosql
import lexigram.plugins
import pytest
from lexigram import LexigramConfig
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.nosql import NamedNoSQLConfig, NoSQLConfig
from lexigram.nosql.backend import API, BACKENDS, BackendConfig, BackendSpec, Capabilities
from lexigram.nosql.backends.memory import MemoryConfig
from lexigram.nosql.backends.memory.spec import SPEC
from lexigram.plugins import (
    PluginConflictError,
    PluginInvalidError,
    PluginLoadError,
    PluginNotFoundError,
    refresh_plugins,
)
from pydantic import Field

pytestmark = pytest.mark.allow_blocking("reading configuration is synchronous, and done before the loop runs")


class CouchConfig(BackendConfig):
    """Settings of a third party's backend."""

    url: str = "http://localhost:5984"
    shards: int = Field(default=1, ge=1)


async def _connect(config: CouchConfig) -> Any:
    raise NotImplementedError


def couch(**changes: Any) -> BackendSpec:
    facts: dict[str, Any] = {
        "name": "couch",
        "api": API,
        "config": CouchConfig,
        "capabilities": Capabilities(),
        "connect": _connect,
        "distribution": "lexigram-couch",
        **changes,
    }
    return BackendSpec(**facts)


@pytest.fixture
def couched() -> Iterator[BackendSpec]:
    spec = couch()
    undo = BACKENDS.register("couch", spec)
    yield spec
    undo()


def write(folder: Path, text: str) -> Path:
    file = folder / "application.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_defaults_are_those_of_the_documents() -> None:
    """One backend, mongodb, enabled."""
    config = NoSQLConfig()
    assert (config.enabled, config.driver, config.backends) == (True, "mongodb", [])
    assert [(name, primary) for name, primary, _ in config.entries()] == [("default", True)]


def test_a_section_is_validated_by_the_model_of_its_driver(couched: BackendSpec) -> None:
    """Also one that core has never heard of; settings that are missing have the model's defaults."""
    spec, settings = NoSQLConfig.from_dict({"driver": "couch", "couch": {"shards": "3"}}).backend()
    assert spec is couched
    assert settings == CouchConfig(shards=3)
    assert NoSQLConfig(driver="couch").backend() == (couched, CouchConfig())
    assert NoSQLConfig(driver="memory").backend() == (SPEC, MemoryConfig())
    given = MemoryConfig(change_history=5)
    assert NoSQLConfig(driver="memory", memory=given).backend()[1] == given  # type: ignore[call-arg]
    assert NoSQLConfig.from_dict({"driver": "memory", "memory": None}).backend()[1] == MemoryConfig()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"drivr": "memory"}, ["drivr", "driver"]),
        ({"driver": "memory", "memori": {}}, ["memori", "memory"]),
        ({"driver": "memory", "memory": {"scan_polcy": "deny"}}, ["scan_polcy", "scan_policy"]),
        ({"driver": "memory", "memory": {"scan_policy": "never"}}, ["scan_policy", "allow"]),
        ({"driver": "memory", "memory": {"operation_timeout": 0}}, ["operation_timeout"]),
        ({"driver": "memory", "memory": {"write_attempts": 0}}, ["write_attempts"]),
        ({"driver": "memory", "memory": {"memory_limit_bytes": 0}}, ["memory_limit_bytes"]),
        ({"driver": "memory", "memory": {"change_history": "many"}}, ["change_history"]),
        ({"driver": "memory", "memory": {"sweep_seconds": 0}}, ["sweep_seconds"]),
        ({"driver": "memory", "memory": 5}, ["memory"]),
        ({"driver": "couch", "couch": {"shards": 0}}, ["shards"]),
        ({"driver": "couch", "couch": {"uri": "x"}}, ["uri", "url"]),
        ({"driver": 5}, ["driver"]),
        ({"enabled": "perhaps"}, ["enabled"]),
        ({"backends": {"a": 1}}, ["backends"]),
        ({"backends": [{"driver": "memory"}]}, ["name"]),
        ({"backends": [{"name": "", "driver": "memory"}]}, ["name"]),
        ({"backends": [{"name": "a", "driver": "memory", "primry": True}]}, ["primry", "primary"]),
        ({"backends": [{"name": "a", "memory": {"scan_polcy": 1}}]}, ["scan_polcy", "scan_policy"]),
        ({"backends": [{"name": "a"}, {"name": "a", "primary": True}]}, ["two backends have the name 'a'"]),
        ({"backends": [{"name": "a"}, {"name": "b"}]}, ["exactly one", "none has"]),
        (
            {"backends": [{"name": "a", "primary": True}, {"name": "b", "primary": True}]},
            ["exactly one", "'a' and 'b' have"],
        ),
        ({"driver": "memory", "backends": [{"name": "a", "driver": "memory"}]}, ["backends", "driver"]),
        ({"memory": {}, "backends": [{"name": "a", "driver": "memory"}]}, ["backends"]),
        ({"mongodb_url": "mongodb://x"}, ["mongodb_url"]),
    ],
    ids=str,
)
def test_what_is_not_a_setting_is_refused(couched: BackendSpec, data: dict[str, Any], words: list[str]) -> None:
    """With what was probably meant."""
    with pytest.raises(ConfigurationError) as caught:
        NoSQLConfig.from_dict(data)
    for word in words:
        assert word in str(caught.value)


@pytest.fixture
def without_dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine where that backend is not installed, whether it is here or not."""
    rest = [found for found in distributions() if found.name != "lexigram-nosql-dynamodb"]
    with monkeypatch.context() as patch:
        patch.setattr(lexigram.plugins, "distributions", lambda: rest)
        patch.setattr(BACKENDS, "_loaded", {})
        refresh_plugins()
        yield
    refresh_plugins()


@pytest.mark.usefixtures("without_dynamodb")
def test_an_unknown_driver_says_what_is_installed_and_how_to_get_it() -> None:
    """When it is asked for."""
    with pytest.raises(PluginNotFoundError) as caught:
        NoSQLConfig(driver="dynamodb").backend()
    said = str(caught.value)
    assert "memory" in said
    assert "pip install lexigram-nosql-dynamodb" in said
    with pytest.raises(PluginNotFoundError, match="memory") as caught:
        NoSQLConfig(driver="memroy").backend()
    assert "did you mean 'memory'" in str(caught.value)


def test_a_backend_of_another_contract_is_refused() -> None:
    """Saying which side to upgrade."""
    for api, newer in ((API + 1, "lexigram-nosql-core"), (API - 1, "lexigram-couch")):
        with pytest.raises(PluginInvalidError, match=f"contract {api}") as caught:
            BACKENDS.register("couch", couch(api=api))
        assert f"upgrade {newer}" in str(caught.value)


def test_a_broken_backend_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cause is chained, and the others still work."""
    plant(tmp_path, "lexigram-broken", "broken", "lexigram_broken:SPEC")
    (tmp_path / "lexigram_broken.py").write_text("import a_module_that_is_nowhere\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert "broken" in BACKENDS.names()
    with pytest.raises(PluginLoadError, match=r"lexigram-broken 1\.0") as caught:
        NoSQLConfig(driver="broken").backend()
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
    assert NoSQLConfig(driver="memory").backend()[0] is SPEC
    sys.modules.pop("lexigram_broken", None)


def test_a_backend_of_the_wrong_kind_and_one_offered_twice_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name of the distributions."""
    plant(tmp_path, "lexigram-odd", "odd", "lexigram_odd:SPEC")
    plant(tmp_path, "lexigram-other", "twice", "lexigram_odd:A")
    plant(tmp_path, "lexigram-another", "twice", "lexigram_odd:B")
    (tmp_path / "lexigram_odd.py").write_text("SPEC = A = B = object()\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginInvalidError):
        NoSQLConfig(driver="odd").backend()
    with pytest.raises(PluginConflictError, match=r"lexigram-(an)?other"):
        NoSQLConfig(driver="twice").backend()
    sys.modules.pop("lexigram_odd", None)


def plant(folder: Path, distribution: str, name: str, value: str) -> None:
    """Make what pip would have installed."""
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[lexigram.nosql.backends]\n{name} = {value}\n", encoding="utf-8")


def test_several_backends_have_names_and_one_primary() -> None:
    """A single one is primary by itself."""
    config = NoSQLConfig.from_dict(
        {
            "backends": [
                {"name": "main", "driver": "memory", "primary": True},
                {"name": "analytics", "driver": "memory", "memory": {"change_history": 7}},
            ]
        }
    )
    found = {name: (primary, entry.backend()) for name, primary, entry in config.entries()}
    assert found == {
        "main": (True, (SPEC, MemoryConfig())),
        "analytics": (False, (SPEC, MemoryConfig(change_history=7))),
    }
    (alone,) = NoSQLConfig.from_dict({"backends": [{"name": "only", "driver": "memory"}]}).entries()
    assert alone[:2] == ("only", True)


def test_one_entry_makes_a_configuration_of_its_own() -> None:
    """With its section; ``enabled`` comes from the base."""
    entry = NamedNoSQLConfig.from_dict({"name": "a", "driver": "memory", "memory": {"change_history": 7}})
    single = NoSQLConfig.from_named(entry)
    assert (single.enabled, single.driver) == (True, "memory")
    assert single.backend()[1] == MemoryConfig(change_history=7)
    assert not NoSQLConfig.from_named(entry, NoSQLConfig(enabled=False)).enabled


def test_the_section_is_read_from_yaml_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, couched: BackendSpec
) -> None:
    """Variables set sections of backends and entries of lists."""
    file = write(
        tmp_path,
        'nosql:\n  driver: couch\n  couch:\n    url: "${COUCH_URL:http://x:1}"\n  memory:\n    change_history: 3\n',
    )
    assert NoSQLConfig.from_yaml(file).backend()[1] == CouchConfig(url="http://x:1")
    monkeypatch.setenv("LEX_NOSQL__COUCH__SHARDS", "4")
    monkeypatch.setenv("COUCH_URL", "http://y:2")
    assert NoSQLConfig.from_yaml(file).backend()[1] == CouchConfig(url="http://y:2", shards=4)
    monkeypatch.setenv("LEX_NOSQL__DRIVER", "memory")
    monkeypatch.setenv("LEX_NOSQL__MEMORY__SCAN_POLICY", "deny")
    assert NoSQLConfig.from_yaml(file).backend() == (SPEC, MemoryConfig(change_history=3, scan_policy="deny"))
    for name in ("LEX_NOSQL__DRIVER", "LEX_NOSQL__MEMORY__SCAN_POLICY", "LEX_NOSQL__COUCH__SHARDS"):
        monkeypatch.delenv(name)
    empty = write(tmp_path, "app_name: x\n")
    monkeypatch.setenv("LEX_NOSQL__BACKENDS__0__NAME", "a")
    monkeypatch.setenv("LEX_NOSQL__BACKENDS__0__DRIVER", "memory")
    monkeypatch.setenv("LEX_NOSQL__BACKENDS__0__MEMORY__CHANGE_HISTORY", "9")
    monkeypatch.setenv("LEX_NOSQL__BACKENDS__1__NAME", "b")
    monkeypatch.setenv("LEX_NOSQL__BACKENDS__1__PRIMARY", "true")
    monkeypatch.setenv("LEX_NOSQL__BACKENDS__1__DRIVER", "couch")
    config = NoSQLConfig.from_yaml(empty)
    assert [(name, primary, entry.driver) for name, primary, entry in config.entries()] == [
        ("a", False, "memory"),
        ("b", True, "couch"),
    ]
    assert config.backends[0].backend()[1] == MemoryConfig(change_history=9)


def test_a_secret_is_never_shown() -> None:
    """In no form of text."""
    config = NoSQLConfig.from_dict({"driver": "memory", "memory": {"page_token_secret": "hunter2"}})
    _, settings = config.backend()
    assert settings.page_token_secret is not None
    assert settings.page_token_secret.get_secret_value() == "hunter2"
    shown = repr(config) + str(config) + repr(settings) + str(settings) + repr(config.to_dict())
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("name", "extra"), [("MongoDBConfig", "mongodb"), ("DynamoDBConfig", "dynamodb"), ("FirestoreConfig", "firestore")]
)
def test_configs_of_other_distributions_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch, name: str, extra: str
) -> None:
    """From the root and from the module of configurations."""
    # Not there, whether it is installed here or not.
    monkeypatch.setitem(sys.modules, f"lexigram.nosql.backends.{extra}.config", None)
    monkeypatch.delitem(vars(lexigram.nosql), name, raising=False)
    for module in (lexigram.nosql, sys.modules["lexigram.nosql.config"]):
        with pytest.raises(ImportError, match=rf"pip install 'lexigram-nosql\[{extra}\]'"):
            getattr(module, name)
    with pytest.raises(AttributeError):
        _ = lexigram.nosql.config.CouchConfig  # type: ignore[attr-defined]


def test_capabilities_are_named() -> None:
    """For tables and commands."""
    shown = SPEC.capabilities.to_dict()
    assert shown["transactions"] is True
    assert shown["max_nesting"] == 100
    assert set(shown) == set(Capabilities.__dataclass_fields__)


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("LEX_NOSQL__DRIVR", "nosql.drivr: unknown key; did you mean 'driver'?"),
        ("LEX_NOSQL__COUCHE__X", "nosql.couche: unknown key; neither a setting nor an installed backend: memory"),
        ("LEX_NOSQL__MEMORY__SCAN_POLICI", "nosql.memory.scan_polici: unknown key; did you mean 'scan_policy'?"),
    ],
    ids=["setting", "section", "backend"],
)
def test_an_unknown_key_of_a_variable_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, message: str
) -> None:
    """And not the file that the rest of the section stands in."""
    (tmp_path / "application.yaml").write_text("nosql:\n  driver: memory\n")
    monkeypatch.setenv(variable, "x")

    for model in (NoSQLConfig, LexigramConfig):
        with pytest.raises(ConfigurationError) as caught:
            model.from_yaml(tmp_path / "application.yaml")
        assert caught.value.message.startswith(message.partition(": memory")[0])
        assert caught.value.source == f"environment variable {variable}"

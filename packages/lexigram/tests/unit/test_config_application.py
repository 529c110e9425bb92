"""LexigramConfig: its own settings, sections known and unknown, reading values, and the trail."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lexigram.config import (
    CONFIG_SECTIONS,
    MASK,
    BaseConfig,
    ConfigIssue,
    ConfigProtocol,
    ConfigurationError,
    ConfigValidationError,
    Environment,
    LexigramConfig,
    SourceKind,
)
from lexigram.plugins import PluginInvalidError
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

Write = Callable[..., Path]


class Queue(BaseConfig):
    """A section's model."""

    url: str = "amqp://localhost"
    password: SecretStr | None = None
    size: int = Field(default=10, ge=1)
    consumers: list[str] = Field(default_factory=list)
    limits: dict[str, int] = Field(default_factory=dict)

    def validate_for_environment(self, env: Environment | None = None) -> list[ConfigIssue]:
        """Local queues are for development."""
        issues = super().validate_for_environment(env)
        if env is Environment.PRODUCTION and "localhost" in self.url:
            issues += [ConfigIssue("the queue is local", "url"), ConfigIssue("as a whole")]
        return issues


class Plain(BaseModel):
    """A section's model that is not one of ours."""

    n: int = 1


@pytest.fixture(autouse=True)
def _claimed() -> Iterator[None]:
    """Two sections that an installed distribution claims."""
    undos = [CONFIG_SECTIONS.register("queue", Queue), CONFIG_SECTIONS.register("plainer", Plain)]
    yield
    for undo in undos:
        undo()


def test_it_implements_the_contract() -> None:
    """Services depend on the protocol."""
    assert isinstance(LexigramConfig(), ConfigProtocol)


def test_the_defaults() -> None:
    """Nothing has to be configured."""
    config = LexigramConfig()

    assert (config.app_name, config.debug, config.env) == ("lexigram-app", False, Environment.DEVELOPMENT)
    assert config.is_development
    assert not any((config.is_production, config.is_staging, config.is_testing, config.is_debug))
    assert config.section_names == ()


@pytest.mark.parametrize("key", ["env", "environment"])
def test_the_environment_may_be_written_short(key: str) -> None:
    """Under either name, in files, code and variables."""
    assert LexigramConfig.from_dict({key: "prod"}).is_production
    assert LexigramConfig(**{key: "test"}).is_testing
    assert LexigramConfig(**{key: Environment.STAGING}).is_staging
    assert LexigramConfig.from_dict({key: "prod"}).environment is Environment.PRODUCTION
    with pytest.raises(ConfigurationError, match=rf"{key}: unknown environment 'prd'; known are: development, testing"):
        LexigramConfig.from_dict({key: "prd"})
    with pytest.raises(ConfigurationError, match=rf"{key}: must be 'development', 'testing', .*, got number 5"):
        LexigramConfig.from_dict({key: 5})


def test_it_does_not_change() -> None:
    """What providers got must stay true."""
    with pytest.raises(ValidationError, match="frozen"):
        LexigramConfig().debug = True  # type: ignore[misc]


def test_configuration_made_in_code_has_sections_too() -> None:
    """With the constructor and with from_dict; instances of models are taken as they are."""
    queue = Queue(size=3)
    for config in (
        LexigramConfig(app_name="shop", queue={"size": 3}, own={"a": 1}),
        LexigramConfig.from_dict({"app_name": "shop", "queue": {"size": 3}, "own": {"a": 1}}),
        LexigramConfig.from_dict({"app_name": "shop", "queue": queue, "own": {"a": 1}}),
    ):
        assert config.app_name == "shop"
        assert config.get_section("queue", Queue) == queue
        assert config.get_section("own") == {"a": 1}
        assert config.section_names == ("queue", "own")
        assert config.source_of("app_name").kind is SourceKind.CODE
    assert config.get_section("queue", Queue) is queue
    assert config.get_section("queue")["size"] == 3


def test_from_dict_takes_data_as_it_is(clean_environment: pytest.MonkeyPatch) -> None:
    """No environment, no references, and no sharing with the caller."""
    clean_environment.setenv("LEX_APP_NAME", "other")
    data: dict[str, Any] = {"own": {"a": "${HOME}", "list": [1]}}
    config = LexigramConfig.from_dict(data)
    data["own"]["list"].append(2)
    config.get_section("own")["list"].append(3)

    assert config.app_name == "lexigram-app"
    assert config.get_section("own") == {"a": "${HOME}", "list": [1]}


def test_a_section_is_read_into_a_model() -> None:
    """A missing or empty one gives the defaults; plain models and dataclasses work as well."""

    @dataclass
    class Point:
        x: int = 7

    config = LexigramConfig.from_dict({"queue": {"size": "5"}, "plainer": None, "deep": {"point": {"x": 1}}})

    assert config.get_section("queue", Queue).size == 5
    assert config.get_section("plainer", Plain).n == 1
    assert config.get_section("deep.point", Point) == Point(1)
    assert config.get_section("missing", Queue) == Queue()
    assert config.get_section("missing.deeper", Point) == Point()
    assert config.get_section("missing") == {}
    assert config.get_section("plainer") == {}
    assert config.get_section("queue", Queue) is not config.get_section("queue", Queue)


def test_a_section_that_does_not_fit_is_told_with_its_path() -> None:
    """The application's own sections when they are read."""
    config = LexigramConfig.from_dict({"own": {"a": {"size": 0}, "n": "x"}, "list": [1], "text": "t"})

    with pytest.raises(ConfigValidationError, match=r"own\.a\.size: must be greater than or equal to 1"):
        config.get_section("own.a", Queue)
    with pytest.raises(ConfigValidationError, match=r"own\.n: must be a valid integer, got text 'x'"):
        config.get_section("own", Plain)
    with pytest.raises(ConfigurationError, match="list is a list, not a section"):
        config.get_section("list")
    with pytest.raises(ConfigurationError, match="text is a single value, not a section"):
        config.get_section("text")
    with pytest.raises(ConfigValidationError, match="text: must be a section, got text 't'"):
        config.get_section("text", Queue)


def test_what_no_configuration_can_be_read_into_is_refused() -> None:
    """With the remedy."""

    class Strange:
        def __init__(self, x: object) -> None:
            self.x = x

    with pytest.raises(ConfigurationError, match="Strange is not something that a configuration can be read into"):
        LexigramConfig.from_dict({"own": {}}).get_section("own", Strange)


def test_known_sections_are_validated_when_the_configuration_is_read(project: Write) -> None:
    """All faults of all sections in one error, with the application's own."""
    project(
        "application.yaml",
        "debug: perhaps\nqueue:\n  size: 0\n  urll: x\nplainer:\n  n: x\nown:\n  anything: goes\nqueu: {}\n",
    )

    with pytest.raises(ConfigValidationError) as caught:
        LexigramConfig.from_yaml()
    assert [str(problem) for problem in caught.value.problems] == [
        "debug: must be a valid boolean, unable to interpret input, got text 'perhaps' (application.yaml:1)",
        "queue.size: must be greater than or equal to 1, got number 0 (application.yaml:3)",
        "queue.urll: unknown key; did you mean 'url'? (application.yaml:4)",
        "plainer.n: must be a valid integer, got text 'x' (application.yaml:6)",
        "queu: unknown key; did you mean 'queue'? (application.yaml:9)",
    ]
    with pytest.raises(ConfigValidationError, match=r"queue\.size"):
        LexigramConfig(queue={"size": 0})


@pytest.mark.parametrize(
    ("key", "meant"), [("debg", "debug"), ("appname", "app_name"), ("Queue", "queue"), ("queues", "queue")]
)
def test_a_name_that_nearly_is_a_known_one_is_refused(key: str, meant: str) -> None:
    """It is most likely a typing mistake, and would be ignored."""
    with pytest.raises(ConfigValidationError, match=f"{key}: unknown key; did you mean '{meant}'"):
        LexigramConfig.from_dict({key: {}})


@pytest.mark.parametrize("name", ["LEX_QUEUE_URL", "lex_queue_url"])
def test_a_variable_with_one_underscore_after_a_section_is_refused(
    name: str, clean_environment: pytest.MonkeyPatch, project: Write
) -> None:
    """It would set something that nobody reads."""
    clean_environment.setenv(name, "x")
    meant = name.replace("_url", "__url").replace("_URL", "__URL")
    with pytest.raises(ConfigValidationError, match=f"queue_url: unknown key; did you mean '{meant}'"):
        LexigramConfig.from_env_profile()

    clean_environment.delenv(name)
    project(".env", f"{name}=x\n")
    with pytest.raises(ConfigValidationError, match=f"did you mean '{meant}'"):
        LexigramConfig.from_env_profile()


def test_a_section_of_a_file_may_begin_like_a_known_one(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """Only variables are easily written with an underscore too few."""
    project("application.yaml", "queue_reports:\n  daily: true\n")
    clean_environment.setenv("LEX_QUEUE_REPORTS__WEEKLY", "yes")
    assert LexigramConfig.from_env_profile().get_section("queue_reports") == {"daily": True, "weekly": "yes"}


def test_an_unknown_section_is_answered_with_the_known_ones(project: Write) -> None:
    """Each once."""
    project("application.yaml", "queue: {}\nown: {}\n")
    with pytest.raises(ConfigurationError) as caught:
        LexigramConfig.from_yaml().trail("nope")
    assert caught.value.hint is not None
    assert caught.value.hint.count("queue") == 1


def test_other_unknown_sections_belong_to_the_application() -> None:
    """Unless strict_sections forbids them."""
    assert LexigramConfig.from_dict({"shipping": {"carrier": "pigeon"}}).get("shipping.carrier") == "pigeon"

    with pytest.raises(ConfigValidationError, match="shipping: unknown section, and strict_sections is on"):
        LexigramConfig.from_dict({"shipping": {}, "strict_sections": True})
    assert LexigramConfig.from_dict({"queue": {}, "strict_sections": True}).section_names == ("queue",)


def test_a_claim_must_be_a_model() -> None:
    """A distribution that offers something else is told so."""
    with pytest.raises(PluginInvalidError, match="int is no pydantic model"):
        CONFIG_SECTIONS.register("numbers", int)


def test_single_values_can_be_asked_for(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """By dotted path; settings of the application with their defaults, secrets wrapped."""
    project("application.yaml", "own: {list: [{name: a}], none: null, pw: '${secret:PW}'}\nenvironment: prod\n")
    clean_environment.setenv("PW", "hush")
    config = LexigramConfig.from_yaml()

    assert config.get("own.list[0].name") == config.get("own.list.0.name") == "a"
    assert config.get("own.none", "default") is None
    assert config.get("own.missing", "default") == "default"
    assert config.get("app_name") == "lexigram-app"
    assert config.get("env") is config.get("environment") is Environment.PRODUCTION
    assert config.get("own.pw") == SecretStr("hush")
    assert config.get("own.list") == [{"name": "a"}]


def test_whether_a_section_is_there(clean_environment: pytest.MonkeyPatch) -> None:
    """Empty ones count, values do not; JSON from a variable is one."""
    clean_environment.setenv("LEX_J", '{"a": 1}')
    clean_environment.setenv("LEX_T", "text")
    config = LexigramConfig.from_dict({"queue": Queue(), "own": {"deep": {}}, "empty": None, "text": "x", "list": []})

    assert config.section_names == ("queue", "own", "empty")
    assert config.has_section("own.deep")
    assert not config.has_section("own.missing")
    assert not config.has_section("debug")
    from_variables = LexigramConfig.from_env_profile()
    assert from_variables.section_names == ("j",)
    assert from_variables.get_section("j") == {"a": 1}


def test_secrets_are_masked_in_every_text_form(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """Also in sections that no model describes."""
    project(
        "application.yaml",
        "queue: {url: 'amqp://u:hush@h', password: hush}\n"
        "own: {db: 'redis://:hush@h', api_key: hush, plain: '${secret:PW}', port: 1}\n",
    )
    clean_environment.setenv("PW", "hush")
    config = LexigramConfig.from_yaml()

    queue = config.get_section("queue", Queue)
    for text in (repr(config), str(config), str(config.to_dict()), str(config.trail()), repr(queue)):
        assert "hush" not in text
    assert config.to_dict()["own"] == {"db": f"redis://:{MASK}@h", "api_key": MASK, "plain": MASK, "port": 1}
    assert config.to_dict(redact_secrets=False)["own"]["plain"] == "hush"


def test_the_trail_has_every_value_and_its_source(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """Defaults included where a model knows them."""
    project(
        "application.yaml",
        "environment: test\nqueue:\n  password: ${secret:PW}\n  limits: {a: 1}\nplainer: {n: 2}\nown:\n  x: []\n",
    )
    clean_environment.setenv("PW", "hush")
    clean_environment.setenv("LEX_QUEUE__CONSUMERS", '["a", "b"]')
    trail = LexigramConfig.from_yaml().trail()

    assert [(entry.key, entry.value, str(entry.source), entry.is_secret) for entry in trail] == [
        ("app_name", "lexigram-app", "default", False),
        ("debug", False, "default", False),
        ("env", "testing", "application.yaml:1", False),
        ("strict_sections", False, "default", False),
        ("shutdown_timeout", 60.0, "default", False),
        ("queue.url", "amqp://localhost", "default", False),
        ("queue.password", MASK, "application.yaml:3, secret PW from environment", True),
        ("queue.size", 10, "default", False),
        ("queue.consumers[0]", "a", "environment variable LEX_QUEUE__CONSUMERS", False),
        ("queue.consumers[1]", "b", "environment variable LEX_QUEUE__CONSUMERS", False),
        ("queue.limits.a", 1, "application.yaml:4", False),
        ("plainer.n", 2, "application.yaml:5", False),
        ("own.x", [], "application.yaml:7", False),
    ]


def test_the_trail_of_a_known_section_that_is_missing_is_its_defaults() -> None:
    """And of an unknown one there is none."""
    config = LexigramConfig()

    assert [(entry.key, entry.value) for entry in config.trail("queue")] == [
        ("queue.url", "amqp://localhost"),
        ("queue.password", None),
        ("queue.size", 10),
        ("queue.consumers", []),
        ("queue.limits", {}),
    ]
    with pytest.raises(ConfigurationError, match="there is no section 'nowhere'"):
        config.trail("nowhere")


def test_findings_for_production(clean_environment: pytest.MonkeyPatch, project: Write) -> None:
    """Debugging, secrets in files, and what the sections' own models find."""
    project(
        "application.yaml",
        "env: production\ndebug: true\nqueue: {password: hush}\nplainer: {}\n"
        "own: {token: hush, api_key: '${TOKEN}', secret: '${secret:TOKEN}'}\n",
    )
    clean_environment.setenv("TOKEN", "hush")
    config = LexigramConfig.from_yaml()

    assert [(issue.key, issue.message) for issue in config.validate_for_environment()] == [
        ("debug", "debug is on in production"),
        ("queue.url", "the queue is local"),
        ("queue", "as a whole"),
        ("queue.password", "a secret stands in application.yaml:3"),
        ("own.token", "a secret stands in application.yaml:5"),
    ]
    assert config.validate_for_environment(Environment.TESTING) == []


def test_bad_values_in_code_are_errors_of_the_configuration() -> None:
    """Huge, cyclic, deep or not Unicode."""
    cyclic: dict[str, Any] = {}
    cyclic["own"] = cyclic
    for data in (cyclic, {"own": "\ud800"}, {"own": {1: 2}}):
        with pytest.raises(ConfigurationError):
            LexigramConfig.from_dict(data)
    assert LexigramConfig.from_dict({"own": 10**5000}).get("own") == 10**5000


class ShopConfig(LexigramConfig):
    """An application's own configuration, with sections of its own as fields."""

    queue_two: Queue = Queue()
    tags: list[str] = Field(default_factory=list)


def test_an_application_may_have_a_configuration_of_its_own(project: Write) -> None:
    """Its sections are fields then, and the rest is as before."""
    project("application.yaml", "queue_two: {size: 3, password: hush}\ntags: [a]\nown: {x: 1}\n")
    config = ShopConfig.from_yaml()

    assert (config.queue_two.size, config.get("own.x"), config.get_section("queue_two", Queue).size) == (3, 1, 3)
    assert "hush" not in repr(config)
    assert {entry.key: (entry.value, str(entry.source)) for entry in config.trail()[4:]} == {
        "shutdown_timeout": (60.0, "default"),
        "queue_two.url": ("amqp://localhost", "default"),
        "queue_two.password": (MASK, "application.yaml:1"),
        "queue_two.size": (3, "application.yaml:1"),
        "queue_two.consumers": ([], "default"),
        "queue_two.limits": ({}, "default"),
        "tags[0]": ("a", "application.yaml:2"),
        "own.x": (1, "application.yaml:3"),
    }
    with pytest.raises(ConfigValidationError, match=r"queue_two\.size: must be"):
        ShopConfig.from_dict({"queue_two": {"size": 0}})


def test_it_can_be_copied_and_pickled(project: Write) -> None:
    """Sections and sources come along."""
    project("application.yaml", "own: {x: 1}\n")
    config = LexigramConfig.from_yaml()

    for copied in (copy.deepcopy(config), pickle.loads(pickle.dumps(config)), config.model_copy()):
        assert copied == config
        assert copied.get_section("own") == {"x": 1}
        assert str(copied.trail("own")[0].source) == "application.yaml:1"


class Reports(BaseConfig):
    """A model that claims one key of a section of somebody else's."""

    model_config = ConfigDict(extra="allow")

    config_section = "queue"

    reports: dict[str, int] = Field(default_factory=dict[str, int])


@pytest.fixture
def _reports() -> Iterator[None]:
    """The key ``reports`` of the section ``queue`` is claimed by itself."""
    undo = CONFIG_SECTIONS.register("queue.reports", Reports)
    yield
    undo()


@pytest.mark.usefixtures("_reports")
def test_a_key_of_a_section_may_belong_to_another_distribution(project: Write) -> None:
    """Each model sees its own part; both are checked at once, with the full key."""
    project("application.yaml", "queue: {size: 3, reports: {daily: 1}}\n")
    config = LexigramConfig.from_yaml()

    assert config.get_section("queue", Queue).size == 3
    assert config.get_section("queue", Reports).reports == {"daily": 1}
    assert [(entry.key, entry.value) for entry in config.trail("queue") if "reports" in entry.key] == [
        ("queue.reports.daily", 1)
    ]

    project("application.yaml", "queue: {siez: 3, reports: {daily: often}}\n")
    with pytest.raises(ConfigurationError) as caught:
        LexigramConfig.from_yaml()
    assert "queue.siez: unknown key; did you mean 'size'?" in caught.value.message
    assert "queue.reports.daily: must be a valid integer" in caught.value.message


@pytest.mark.usefixtures("_reports")
def test_a_section_with_keys_of_others_only_is_not_there_for_its_model(project: Write) -> None:
    """So a provider that knows two names for its section does not take it for its own."""
    project("application.yaml", "queue: {reports: {daily: 1}}\nstrict_sections: true\n")
    config = LexigramConfig.from_yaml()

    assert config.has_section("queue")
    assert not config.has_section("queue", Queue)
    assert config.has_section("queue", Reports)
    assert config.get_section("queue", Queue) == Queue()

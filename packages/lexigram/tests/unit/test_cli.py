"""The lexigram command: its own commands, those of plugins, errors, exit codes and pipes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NoReturn

import pytest
import typer
from lexigram.cli import CHECKS, COMMANDS, load_config, main
from lexigram.cli import inspection as inspection_module
from lexigram.cli.inspection import inspect_distributions, inspect_plugins
from lexigram.cli.output import rendered
from lexigram.config import CONFIG_SECTIONS, BaseConfig, ConfigurationError, LexigramConfig
from lexigram.contracts.core.config import ConfigIssue, Environment
from lexigram.contracts.core.health import HealthCheckResult, HealthStatus
from lexigram.contracts.exceptions.base import LexigramError
from lexigram.plugins import PluginGroup, refresh_plugins
from pydantic import Field, SecretStr

Write = Callable[..., Path]


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]
Add = Callable[[str, Any], None]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], project: Write) -> Run:
    """Runs the command in an empty folder."""

    def call(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        captured = capsys.readouterr()
        return Ran(int(caught.value.code or 0), captured.out, captured.err)

    return call


class Queue(BaseConfig):
    """A section's model."""

    url: str = "amqp://localhost"
    password: SecretStr | None = None
    size: int = Field(default=10, ge=1)


@pytest.fixture
def _queue() -> Iterator[None]:
    """The section of the model above is known."""
    undo = CONFIG_SECTIONS.register("queue", Queue)
    yield
    undo()


@pytest.fixture(autouse=True)
def _only_these_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens to be installed does not matter here."""
    monkeypatch.setattr(COMMANDS, "_offers", dict)
    monkeypatch.setattr(CHECKS, "_offers", dict)
    monkeypatch.setattr(inspection_module, "plugin_groups", lambda prefix: ())


def test_without_arguments_it_shows_its_commands(run: Run) -> None:
    """As with --help, but with the exit code of a wrong call."""
    code, out, err = run()

    assert code == 2
    assert "doctor" in out + err
    assert run("--help").code == 0
    for name in ("doctor", "version", "config"):
        assert name in run("--help").out


def test_versions(run: Run) -> None:
    """Of all our distributions and of Python, in three ways."""
    code, out, _ = run("version")

    assert code == 0
    assert "lexigram-contracts" in out
    assert run("--version").out == out
    data = json.loads(run("version", "--json").out)
    assert data["python"].startswith("3.")
    assert data["distributions"]["lexigram"] == inspect_distributions()[0].version


def test_wrong_calls_exit_with_2(run: Run) -> None:
    """Unknown commands and options; known misspellings are suggested."""
    assert run("dcotor").code == 2
    assert "doctor" in run("dcotor").err
    assert run("version", "--nonsense").code == 2
    assert run("doctor", "--timeout", "soon").code == 2


@pytest.mark.usefixtures("_queue")
def test_config_show_prints_every_value_with_its_source(
    run: Run, project: Write, clean_environment: pytest.MonkeyPatch
) -> None:
    """Secrets masked, nothing cut off."""
    long = "x" * 300
    text = "debug: true\nqueue:\n  password: hush\n  url: amqp://u:hush@h\nown:\n  long: "
    project("application.yaml", text + long)
    clean_environment.setenv("LEX_QUEUE__SIZE", "5")
    code, out, err = run("config", "show")

    assert (code, err) == (0, "")
    assert "hush" not in out
    assert "\x1b" not in out
    lines = [line.split(maxsplit=2) for line in out.splitlines()]
    assert ["debug", "true", "application.yaml:1"] in lines
    assert ["queue.password", "**********", "application.yaml:3"] in lines
    assert ["queue.url", "amqp://u:**********@h", "application.yaml:4"] in lines
    assert ["queue.size", "5", "environment variable LEX_QUEUE__SIZE"] in lines
    assert ["own.long", long, "application.yaml:6"] in lines
    assert not any(line != line.rstrip() for line in out.splitlines())


@pytest.mark.usefixtures("_queue")
def test_config_show_of_one_section_and_as_json(run: Run, project: Write) -> None:
    """A known section is shown even if it is not there."""
    project("application.yaml", "queue: {password: hush}\nown: {a: [], b: ''}\n")

    own = run("config", "show", "--section", "own").out.splitlines()
    assert [line.split()[:2] for line in own[4:]] == [["own.a", "[]"], ["own.b", '""']]
    data = json.loads(run("config", "show", "-s", "queue", "--json").out)
    assert data["files"] == ["application.yaml"]
    assert data["environment"] == "development"
    assert data["values"][1] == {
        "key": "queue.password",
        "value": "**********",
        "source": {"kind": "file", "text": "application.yaml:1"},
        "secret": True,
    }
    nowhere = run("config", "show", "--section", "nowhere")
    assert nowhere.code == 1
    assert "there is no section 'nowhere'" in nowhere.err


def test_config_show_without_a_file(run: Run) -> None:
    """Defaults and the environment."""
    assert "Files: none; defaults and the environment only" in run("config", "show").out


def test_config_show_takes_a_file_and_a_profile(
    run: Run, project: Write, clean_environment: pytest.MonkeyPatch
) -> None:
    """As options or as variables."""
    project("my.yaml", "app_name: yaml\n")
    project("my.prod.yaml", "app_name: prod\n")
    project("my.toml", "app_name = 'toml'\n")

    assert "prod" in run("config", "show", "--config", "my.yaml", "--profile", "prod").out
    assert "toml" in run("config", "show", "-c", "my.toml").out
    clean_environment.setenv("LEX_CONFIG", "my.yaml")
    clean_environment.setenv("LEX_PROFILE", "prod")
    assert "profile: prod" in run("config", "show").out
    assert load_config(Path("my.yaml")).app_name == "prod"


def test_a_known_error_is_one_block_without_traceback(run: Run, project: Write) -> None:
    """On standard error: what happened, what to do, where to read more."""
    project("application.yaml", "a: 1\na: 2\n")
    code, out, err = run("config", "show")

    assert (code, out) == (1, "")
    assert err == (
        "Error LEX_ERR_CFG_001: application.yaml, line 2, column 1: the key 'a' is there twice, first in line 1\n"
        "  See: https://docs.lexigram.dev/reference/errors/LEX_ERR_CFG_001\n"
    )
    missing = run("config", "show", "--config", "nowhere.yaml")
    assert "  Fix: Create it, or give the path of the file that you mean.\n" in missing.err


def test_values_are_rendered_so_that_kinds_can_be_told_apart() -> None:
    """Plain text as it is, everything else as JSON."""
    values = ["text", "", " padded", None, True, 5, [1, "a"], {"ä": 1}]

    assert [rendered(value) for value in values] == [
        "text", '""', '" padded"', "null", "true", "5", '[1, "a"]', '{"ä": 1}',
    ]  # fmt: skip


# --- groups of commands -----------------------------------------------------------------------------------------------


@pytest.fixture
def add_commands() -> Iterator[Add]:
    """Registers a group of commands for the test."""
    undos: list[Callable[[], None]] = []
    yield lambda name, value: undos.append(COMMANDS.register(name, value))
    for undo in undos:
        undo()


def test_a_function_adds_commands_to_its_group(run: Run, add_commands: Add) -> None:
    """One command is still a group, and the documentation is its help."""

    def register(app: typer.Typer) -> None:
        """Look after the stock.

        More that is not shown in the list.
        """

        @app.command()
        def count(what: Annotated[str, typer.Argument()]) -> None:
            """Count something."""
            typer.echo(f"counted {what}")

    add_commands("stock", register)

    assert "Look after the stock." in run("--help").out
    assert "More that" not in run("--help").out
    assert run("stock", "count", "pens") == Ran(0, "counted pens\n", "")
    assert "Count something." in run("stock", "--help").out
    assert run("stock", "count").code == 2


def test_a_typer_is_a_group_too(run: Run, add_commands: Add) -> None:
    """Under the name that it is registered by."""
    group = typer.Typer(name="other", help="A ready-made group.")

    @group.command()
    def one() -> None:
        typer.echo("one")

    @group.command()
    def two() -> NoReturn:
        raise LexigramError("two failed for redis://:hush@h", hint="Use [one] instead.")

    add_commands("ready", group)

    assert "A ready-made group." in run("--help").out
    assert run("ready", "one").out == "one\n"
    failed = run("ready", "two")
    assert failed.code == 1
    assert "Error LEX_ERR_000: two failed for redis://:**********@h\n  Fix: Use [one] instead.\n" in failed.err


def test_only_the_group_that_is_called_is_loaded(run: Run, add_commands: Add, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow or broken neighbour does not matter."""
    loaded: list[str] = []
    original = COMMANDS.load

    def load(name: str) -> Any:
        loaded.append(name)
        return original(name)

    monkeypatch.setattr(COMMANDS, "load", load)
    for name in ("one", "two"):
        add_commands(name, lambda app: app.command("go")(lambda: None))

    assert run("version").code == 0
    assert loaded == []
    assert run("one", "go").code == 0
    assert loaded == ["one"]


def test_a_group_that_cannot_be_set_up_stays_in_the_list(run: Run, add_commands: Add) -> None:
    """With the reason, and calling it is an error."""

    def register(app: typer.Typer) -> None:
        raise ImportError("no module named [stock]")

    add_commands("stock", register)

    listed = run("--help")
    assert listed.code == 0
    assert "(not available)" in listed.out
    assert "ImportError: no module named [stock]" in " ".join(listed.out.replace("│", "").split())
    called = run("stock", "count", "--all", "pens")
    assert called.code == 1
    assert "the commands of 'stock' cannot be set up: ImportError" in called.err
    assert run("stock", "--help").code == 1


def test_a_group_that_is_known_but_not_installed_says_what_to_install(run: Run) -> None:
    """It is not listed, but calling it is not an unknown command either."""
    assert "db " not in run("--help").out
    called = run("db", "upgrade")
    assert called.code == 1
    assert "Install it with: pip install lexigram-sql" in called.err


def test_an_interrupt_and_a_defect_are_told_apart(
    capsys: pytest.CaptureFixture[str], project: Write, add_commands: Add
) -> None:
    """A defect keeps its traceback."""
    group = typer.Typer()

    @group.command()
    def interrupted() -> None:
        raise KeyboardInterrupt

    @group.command()
    def defective() -> None:
        raise ZeroDivisionError

    add_commands("bad", group)

    with pytest.raises(SystemExit) as caught:
        main(["bad", "interrupted"])
    assert caught.value.code == 130
    with pytest.raises(ZeroDivisionError):
        main(["bad", "defective"])


# --- doctor -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def add_check() -> Iterator[Add]:
    """Registers a check for the test."""
    undos: list[Callable[[], None]] = []
    yield lambda name, value: undos.append(CHECKS.register(name, value))
    for undo in undos:
        undo()


def test_a_healthy_installation(run: Run) -> None:
    """Exit code 0."""
    code, out, _ = run("doctor")

    assert code == 0
    assert "lexigram-contracts" in out
    assert "no file; defaults and the environment only (environment: development)" in out
    assert "no installed distribution has something to check" in out
    assert out.endswith("Everything is fine.\n")


@pytest.mark.usefixtures("_queue")
def test_problems_of_the_configuration(run: Run, project: Write) -> None:
    """All of them, with keys and places, and no attempt to connect."""
    project("application.yaml", "queue: {size: 0, sise: 1}\n")
    code, out, _ = run("doctor")

    assert code == 1
    assert "error: queue.size: must be greater than or equal to 1, got number 0 (application.yaml:1)" in out
    assert "error: queue.sise: unknown key; did you mean 'size'? (application.yaml:1)" in out
    assert "not tried, since the configuration cannot be read" in out
    data = json.loads(run("doctor", "--json").out)
    assert data["ok"] is False
    assert [problem["key"] for problem in data["configuration"]["problems"]] == ["queue.size", "queue.sise"]

    project("application.yaml", "a: [")
    assert "error: application.yaml, line 1, column 5" in run("doctor").out


def test_findings_that_are_no_errors_are_told(run: Run, project: Write, clean_environment: pytest.MonkeyPatch) -> None:
    """Warnings do not change the exit code, errors do."""
    project("application.yaml", "debug: true\nenv: production\n")
    code, out, _ = run("doctor")
    assert code == 0
    assert "warning: debug: debug is on in production; Set debug to false." in out

    def fails(self: LexigramConfig, env: Environment | None = None) -> list[ConfigIssue]:
        return [ConfigIssue("all is wrong", severity="error")]

    clean_environment.setattr(LexigramConfig, "validate_for_environment", fails)
    assert run("doctor").code == 1
    assert "error: all is wrong\n" in run("doctor").out


def test_contributed_checks_run_with_the_configuration(run: Run, project: Write, add_check: Add) -> None:
    """At the same time; an unhealthy one makes the exit code 1, a degraded one does not."""
    project("application.yaml", "app_name: shop\n")
    both = asyncio.Barrier(2)

    async def good(config: LexigramConfig) -> list[HealthCheckResult]:
        await both.wait()
        return [HealthCheckResult("store", message=f"reached {config.app_name}", duration_ms=12.4)]

    async def so_so(config: LexigramConfig) -> list[HealthCheckResult]:
        await both.wait()
        return [HealthCheckResult("cache", HealthStatus.DEGRADED), HealthCheckResult("x", HealthStatus.UNKNOWN)]

    add_check("good", good)
    add_check("so_so", so_so)
    code, out, _ = run("doctor")

    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["store", "ok", "12", "ms", "reached", "shop"] in lines
    assert ["cache", "degraded", "0", "ms"] in lines
    assert ["x", "unknown", "0", "ms"] in lines


def test_a_check_that_fails_is_a_finding(run: Run, add_check: Add) -> None:
    """Raising, too slow, of the wrong kind, or returning nonsense; passwords are masked."""

    async def raises(config: LexigramConfig) -> list[HealthCheckResult]:
        raise OSError("cannot reach mongodb://u:hush@h")

    async def refuses(config: LexigramConfig) -> list[HealthCheckResult]:
        raise LexigramError("not today")

    async def slow(config: LexigramConfig) -> list[HealthCheckResult]:
        await asyncio.Event().wait()
        return []

    async def nonsense(config: LexigramConfig) -> Any:
        return ["fine"]

    for check in (raises, refuses, slow, nonsense):
        add_check(check.__name__, check)
    add_check("plain", lambda config: [HealthCheckResult("plain", HealthStatus.UNHEALTHY, "it is", "down")])
    code, out, _ = run("doctor", "--timeout", "0.1")

    assert code == 1
    assert "OSError: cannot reach mongodb://u:**********@h" in out
    assert "not today" in out
    assert "it is: down" in out
    assert "no answer within 0.1 seconds" in out
    assert "the check returned something that is no HealthCheckResult" in out
    assert out.count("failed") == 5
    assert out.endswith("Problems found.\n")
    data = json.loads(run("doctor", "--json", "--timeout", "0.1").out)
    assert {check["component"]: check["status"] for check in data["checks"]}["plain"] == "unhealthy"


def test_checks_can_be_left_out(run: Run, add_check: Add) -> None:
    """For a machine that reaches nothing."""
    add_check("never", lambda config: pytest.fail("must not run"))

    assert run("doctor", "--no-connect").code == 0
    assert "not tried, as asked" in run("doctor", "--no-connect").out


# --- installed plugins ------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """A folder on the path, with distributions to be written into it."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def write(name: str, entry_points: str, **modules: str) -> Path:
        info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)
        for module, source in modules.items():
            (folder / f"{module}.py").write_text(source)
        return folder

    before = set(sys.modules)
    yield write
    for module in set(sys.modules) - before:
        if module.startswith("cli_test_"):
            del sys.modules[module]
    refresh_plugins()


def test_plugins_are_listed_and_broken_ones_named(run: Run, site: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every group of ours, with the cause; also what the group's owner refuses once it is there."""
    owner = "from lexigram.plugins import PluginGroup\nOWNER = PluginGroup('lexigram.test.owned', int)\nPLUGIN = 'x'\n"
    site(
        "acme-good",
        "[lexigram.test.others]\ngood = cli_test_good:PLUGIN\n[lexigram.test.owned]\nwrong = cli_test_owner:PLUGIN\n",
        cli_test_good="PLUGIN = 1\n",
        cli_test_owner=owner,
    )
    site(
        "acme-bad",
        "[lexigram.test.others]\nbad = cli_test_bad:PLUGIN\n",
        cli_test_bad="raise OSError('redis://:hush@h')",
    )
    site(
        "acme-script",
        "[lexigram.test.others]\nscript = cli_test_script:PLUGIN\n",
        cli_test_script="raise SystemExit(3)",
    )
    site("acme-clash", "[lexigram.cli]\nversion = cli_test_good:PLUGIN\n")
    damaged = site("acme-damaged", "[lexigram.test.others]\nno equals sign\n") / "acme_damaged-1.0.dist-info"
    groups = ("lexigram.cli", "lexigram.test.others", "lexigram.test.owned")
    monkeypatch.setattr(inspection_module, "plugin_groups", lambda prefix: groups)
    reports = {report.info.name: report for report in inspect_plugins(["version"]) if "acme" in str(report.info)}

    assert reports["good"].error is None
    assert "OSError: redis://:**********@h" in str(reports["bad"].error)
    assert reports["script"].error == "importing 'script' ends the program (exit code 3)"
    assert "is a str; the group 'lexigram.test.owned' takes int" in str(reports["wrong"].error)
    code, out, _ = run("doctor")
    assert code == 1
    assert "acme-good" in out
    assert "broken: cannot load 'bad' from cli_test_bad:PLUGIN (acme-bad 1.0)" in out
    assert f"cannot be read: {damaged}" in out
    data = json.loads(run("doctor", "--json").out)
    assert str(damaged) in data["unreadable_distributions"]


def in_a_process(*arguments: str, cwd: Path, path: Path, **streams: Any) -> subprocess.CompletedProcess[str]:
    """The command as a program of its own."""
    environment = {**os.environ, "PYTHONPATH": str(path), "COLUMNS": "40"}
    program = [sys.executable, "-c", "from lexigram.cli import main; main()", *arguments]
    return subprocess.run(program, cwd=cwd, env=environment, capture_output=True, text=True, timeout=50, check=False)


def test_a_plugin_that_cannot_be_imported_breaks_nothing(site: Write, project: Write, tmp_path: Path) -> None:
    """In a real process, writing to pipes: no colours, no cut lines, no traceback."""
    folder = site(
        "acme-cli",
        "[lexigram.cli]\nzgood = cli_test_group:register\nzbad = cli_test_missing:register\n",
        cli_test_group="def register(app):\n    'Good commands.'\n    @app.command()\n    def go(): print('gone')\n",
    )
    listed = in_a_process("--help", cwd=tmp_path, path=folder)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "Good commands." in listed.stdout
    assert "(not available)" in listed.stdout
    assert in_a_process("zgood", "go", cwd=tmp_path, path=folder).stdout == "gone\n"

    called = in_a_process("zbad", "go", cwd=tmp_path, path=folder)
    assert called.returncode == 1
    assert "ModuleNotFoundError: No module named 'cli_test_missing'" in called.stderr
    assert "Traceback" not in called.stderr

    project("application.yaml", f"own: {{a_long_key: {'value ' * 50}}}\n")
    shown = in_a_process("config", "show", "-s", "own", cwd=tmp_path, path=folder)
    assert shown.stdout.splitlines()[-1] == f"own.a_long_key  {('value ' * 50).strip()}  application.yaml:1"


def test_on_a_terminal_nothing_is_cut_off_either(project: Write, tmp_path: Path) -> None:
    """Long values are folded to the width of the window."""
    pty = pytest.importorskip("pty")
    project("application.yaml", f"own: {{key: {'x' * 500}}}\n")
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": "60", "TERM": "xterm"}
    program = [sys.executable, "-c", "from lexigram.cli import main; main(['config', 'show', '-s', 'own'])"]
    chunks: list[bytes] = []
    with subprocess.Popen(program, cwd=tmp_path, env=environment, stdout=slave, stderr=slave, stdin=slave) as process:
        os.close(slave)
        try:
            while chunk := os.read(master, 4096):
                chunks.append(chunk)
        except OSError:  # Linux says so when the other side is closed
            pass
        assert process.wait(50) == 0
    os.close(master)
    text = b"".join(chunks).decode()

    assert text.count("x") >= 500
    assert "\x1b[1m" in text


def test_configuration_errors_reach_callers_of_load_config(project: Write) -> None:
    """Commands of plugins share it."""
    with pytest.raises(ConfigurationError):
        load_config(Path("nowhere.yaml"))
    assert isinstance(load_config(), LexigramConfig)
    assert isinstance(PluginGroup("lexigram.test.none", int).names(), tuple)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("arguments", [["version"], ["version", "--json"], ["--help"]], ids=["table", "json", "help"])
def test_output_that_cannot_be_written_is_an_error_without_a_traceback(arguments: list[str]) -> None:
    """Whoever writes: we, rich, or the flush at the end."""
    program = [sys.executable, "-c", "from lexigram.cli import main; main()", *arguments]
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)

    assert (ended.returncode, ended.stderr) == (1, "Error: the output cannot be written: No space left on device\n")


def test_a_reader_that_has_gone_away_is_not_told() -> None:
    """As in ``lexigram … | head``."""
    program = [sys.executable, "-c", "from lexigram.cli import main; main()", "--help"]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(program, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60)
    finally:
        os.close(writing)

    assert (ended.returncode, ended.stderr) == (1, "")


def test_an_error_of_a_file_is_no_error_of_the_output(add_commands: Add) -> None:
    """A defect of a command still shows its traceback."""

    def register(app: typer.Typer) -> None:
        @app.command()
        def broken() -> None:
            raise FileNotFoundError(2, "No such file or directory", "settings.bin")

        @app.command()
        def other() -> None: ...

    add_commands("acme", register)
    with pytest.raises(FileNotFoundError):
        main(["acme", "broken"])

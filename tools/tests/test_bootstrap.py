"""The bootstrap makes what is missing, once, and survives being interrupted; a job's exit code comes through."""

from __future__ import annotations

import fcntl
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import bootstrap
import pytest
from workspace import ROOT


class Recorder:
    """Stand for the processes that set up; note what they were asked to do."""

    def __init__(self) -> None:
        """Start with nothing done and nothing that fails."""
        self.done: list[str] = []
        self.fails: dict[str, bootstrap.DevError] = {}

    def __call__(self, command: Sequence[str], environment: Mapping[str, str], lock: int, doing: str) -> None:
        """Note one step."""
        step = f"{doing}, offline" if environment.get("UV_OFFLINE") else doing
        if step in self.fails:
            raise self.fails[step]
        self.done.append(step)
        if step == "make an environment":
            Path(command[-1]).mkdir()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Return the recorder, in a small repository with nothing set up."""
    (tmp_path / "packages/lexigram").mkdir(parents=True)
    for name in ("hatch.toml", "pyproject.toml", "packages/lexigram/pyproject.toml"):
        (tmp_path / name).touch()
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.delenv("LEXIGRAM_DEV_HOME", raising=False)
    recorder = Recorder()
    monkeypatch.setattr(bootstrap, "_run", recorder)
    return recorder


TOOL = ["make an environment", f"install {bootstrap.TOOLS[0]}"]


def made(name: str) -> list[str]:
    """Return the steps that make one of hatch's environments."""
    return [f"remove the environment {name}", f"install what {name} needs"]


def test_what_is_missing_is_made_once(run: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    """The first run installs and says where; the second does nothing; another environment comes on demand."""
    base, environment = bootstrap.prepare(["default"])

    assert run.done == [*TOOL, *made("default")]
    assert environment["HATCH_DATA_DIR"] == str(base / "hatch")
    assert f"delete {base}" in capsys.readouterr().err
    bootstrap.prepare(["default"])
    assert len(run.done) == 4
    bootstrap.prepare(["default", "lint"])
    assert run.done[4:] == made("lint")


@pytest.mark.parametrize("name", ["hatch.toml", "pyproject.toml", "packages/lexigram/pyproject.toml"])
def test_a_change_of_requirements_is_noticed(run: Recorder, tmp_path: Path, name: str) -> None:
    """A pulled change makes the environment anew, hatch itself stays."""
    bootstrap.prepare(["default"])
    (tmp_path / name).write_text("# changed\n")

    bootstrap.prepare(["default"])

    assert run.done == [*TOOL, *made("default"), *made("default")]


@pytest.mark.parametrize("step", [TOOL[0], TOOL[1], "install what default needs"])
def test_what_was_interrupted_is_made_anew(run: Recorder, step: str) -> None:
    """Whatever step fails, the next run ends with everything made."""
    run.fails[step] = bootstrap.DevError("interrupted")
    with pytest.raises(bootstrap.DevError):
        bootstrap.prepare(["default"])
    run.fails.clear()

    bootstrap.prepare(["default"])

    assert run.done[-1] == "install what default needs"
    assert set(run.done) == {*TOOL, *made("default")}


def test_without_a_network_the_cache_is_tried(run: Recorder) -> None:
    """An environment made anew offline comes from the cache; if that fails too, the first error is told."""
    first = bootstrap.DevError(f"could not install: {bootstrap._NO_NETWORK}")
    run.fails["install what default needs"] = first

    bootstrap.prepare(["default"])
    assert run.done[-1] == "install what default needs, offline"
    run.fails["install what lint needs"] = first
    run.fails["install what lint needs, offline"] = bootstrap.DevError("not cached")
    with pytest.raises(bootstrap.DevError, match="a first run needs it"):
        bootstrap.prepare(["lint"])


def test_two_runs_do_not_set_up_at_once(run: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run waits, and says so, while another holds the lock; then it finds the work done."""
    base = bootstrap.home(tmp_path)
    with (base / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        waiting = threading.Thread(target=bootstrap.prepare, args=(["default"],))
        waiting.start()
        heard = ""
        while "waiting for it" not in heard:
            heard += capsys.readouterr().err
            time.sleep(0.01)
        assert run.done == []
        fcntl.flock(handle, fcntl.LOCK_UN)
        waiting.join()

    assert run.done == [*TOOL, *made("default")]


def test_a_full_disk_is_told_before_anything_is_made(run: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how much there is and how much it takes."""
    monkeypatch.setattr(bootstrap, "_FREE_BYTES", 10**18)

    with pytest.raises(bootstrap.DevError, match=r"MB free; setting up takes up to"):
        bootstrap.prepare(["default"])
    assert run.done == []


def test_a_missing_module_names_the_package_to_install(run: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian splits ensurepip off; the message gives the line to type."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else object())

    with pytest.raises(
        bootstrap.DevError, match=r"lacks the module ensurepip(.|\n)*sudo apt install python3\.\d+-venv"
    ):
        bootstrap.prepare(["default"])
    assert run.done == []


def test_what_another_branch_left_is_told(run: Recorder, tmp_path: Path) -> None:
    """A folder without a pyproject.toml would stop hatch with a message that helps nobody."""
    (tmp_path / "packages/lexigram-gone").mkdir()

    with pytest.raises(bootstrap.DevError, match=r"lexigram-gone is no distribution(.|\n)*delete"):
        bootstrap.prepare(["default"])


def test_a_repository_that_cannot_be_written_uses_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything goes to the user's cache then; a folder can be named; if none can be written, that is told."""
    monkeypatch.delenv("LEXIGRAM_DEV_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    blocked = tmp_path / "file"
    blocked.touch()

    assert bootstrap.home(blocked).parent == tmp_path / "cache/lexigram-dev"
    monkeypatch.setenv("LEXIGRAM_DEV_HOME", str(tmp_path / "named"))
    assert bootstrap.home(blocked) == tmp_path / "named"
    monkeypatch.setenv("LEXIGRAM_DEV_HOME", str(blocked / "below"))
    with pytest.raises(bootstrap.DevError, match="cannot write to"):
        bootstrap.home(blocked)


@pytest.mark.parametrize(
    ("program", "code"), [("", 0), ("raise SystemExit(5)", 5), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_the_exit_code_is_the_job_s(program: str, code: int) -> None:
    """As in a shell, a signal that ended it is 128 and its number."""
    assert bootstrap._call([sys.executable, "-c", program], os.environ) == code


def test_a_signal_reaches_what_the_job_started(tmp_path: Path) -> None:
    """Ending the bootstrap ends the job and the job's own children."""
    held, ready = tmp_path / "held", tmp_path / "ready"
    child = (
        f"import fcntl, pathlib, signal; file = open({str(held)!r}, 'w'); fcntl.flock(file, fcntl.LOCK_EX); "
        f"pathlib.Path({str(ready)!r}).touch(); signal.pause()"
    )
    job = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    program = (
        f"import os, sys; sys.path.insert(0, {str(ROOT / 'tools')!r}); import bootstrap; "
        f"sys.exit(bootstrap._call([sys.executable, '-c', {job!r}], os.environ))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.DEVNULL) as process:
        while not ready.exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 128 + signal.SIGTERM

    with held.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # had only when its holder has ended


def test_a_wrong_command_line_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a job, with an unknown one, or with arguments for several steps, the exit code is 2."""
    assert bootstrap.main([], "usage") == 2
    assert bootstrap.main(["--help"], "usage") == 0
    assert bootstrap.main(["tset"], "usage") == 2
    assert bootstrap.main(["check", "-k", "x"], "usage") == 2
    assert bootstrap.main(["run", "lint:chek"], "usage") == 1

    err = capsys.readouterr().err
    assert "there is no job 'tset'; there are demo, test, check, integration, bench, run, shell" in err
    assert "run one step of it: lint:check, types:check, wheels:brief" in err
    assert "hatch.toml has no script 'lint:chek'; it has test, " in err


def test_an_older_python_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names this Python and the command to type instead."""
    monkeypatch.setattr(sys, "version_info", (3, 8, 0))
    monkeypatch.setattr(sys, "argv", ["tools/dev.py", "test"])

    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(ROOT / "tools/dev.py"), run_name="__main__")

    message = f"tools/dev.py needs Python 3.11 or newer; {sys.executable} is 3.8.\n"
    assert caught.value.code == f"{message}Run it with a newer one, such as: python3.13 tools/dev.py test"


def test_files_may_be_named_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs run in the repository; what is there under the same name, options and words stay as they are."""
    (tmp_path / "my.yaml").touch()
    (tmp_path / "README.md").touch()
    (tmp_path / "word").mkdir()
    monkeypatch.chdir(tmp_path)

    given = ["--config", "my.yaml", "--config=my.yaml", "./my.yaml::test", "README.md", "word", "-k", "absent.yaml"]
    here = str(tmp_path / "my.yaml")
    expected = ["--config", here, f"--config={here}", f"{here}::test", "README.md", "word", "-k", "absent.yaml"]
    assert [bootstrap._from_here(argument) for argument in given] == expected

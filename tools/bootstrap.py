"""Make a private environment with hatch in it, and run hatch's scripts there. Used by `dev.py`; standard library only.

Everything lands in one folder (`home()`): the environment that holds hatch, the environments that hatch makes, and
the download cache. Four rules keep it safe to interrupt, to run twice and to run at the same time:

* a folder counts as finished only once its stamp is written, which happens last;
* a stamp holds a fingerprint of what was asked for, so a pulled change of requirements is noticed;
* what is unfinished or out of date is made anew;
* whoever makes something holds a lock, and hands it down to the processes it starts, so that the lock outlives a
  parent that is killed.

With the stamps in place nothing here touches the network.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

__all__ = ["JOBS", "TOOLS", "DevError", "main"]

ROOT = Path(__file__).resolve().parents[1]

TOOLS = ("hatch==1.18.2", "uv==0.13.8")
"""What is installed to run everything else; the workflows use the same hatch."""

_FREE_BYTES = 1_000_000_000

_NO_NETWORK = (
    "the package index could not be reached, and a first run needs it (PIP_INDEX_URL and UV_DEFAULT_INDEX name another)"
)


@dataclass(frozen=True, slots=True)
class Step:
    """One script of hatch: its environment, its name, and whether extra arguments go to it."""

    environment: str
    script: str

    @property
    def target(self) -> str:
        """The script as `hatch run` wants it."""
        return self.script if self.environment == "default" else f"{self.environment}:{self.script}"


JOBS: dict[str, tuple[Step, ...]] = {
    "demo": (Step("default", "demo"),),
    "test": (Step("default", "test"),),
    "check": (Step("lint", "check"), Step("types", "check"), Step("wheels", "brief")),
    "integration": (Step("integration", "test"),),
    "bench": (Step("bench", "engine"),),
    "run": (),
    "shell": (),
}
"""What each job runs, in order; `run` and `shell` are told by their arguments."""


class DevError(Exception):
    """Something that the user has to put right; the message says what."""


def _say(text: str) -> None:
    print(f"dev: {text}", file=sys.stderr, flush=True)


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def home(root: Path) -> Path:
    """Return the folder that everything is installed to, made if need be.

    Args:
        root: The repository.

    Returns:
        `LEXIGRAM_DEV_HOME` if that is set, else `.dev/` in the repository, else a folder of the user's cache.

    Raises:
        DevError: None of them can be written.
    """
    chosen = os.environ.get("LEXIGRAM_DEV_HOME")
    if chosen:
        candidates = [Path(chosen).expanduser().resolve()]
    else:
        caches = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
        cache = Path(os.environ.get("XDG_CACHE_HOME") or caches)
        digest = hashlib.sha256(str(root).encode()).hexdigest()[:12]
        candidates = [root / ".dev", cache / "lexigram-dev" / digest]
    for folder in candidates:
        if _writable(folder):
            return folder
    places = " nor ".join(str(folder) for folder in candidates)
    msg = f"cannot write to {places}; name a folder that can be written in LEXIGRAM_DEV_HOME"
    raise DevError(msg)


def fingerprint(*parts: str | bytes) -> str:
    """Return a short digest of what an environment is made from.

    Args:
        parts: Texts and file contents.
    """
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()[:16]


def _stamped(stamp: Path, value: str) -> bool:
    try:
        return stamp.read_text(encoding="utf-8") == value
    except OSError:
        return False


def _stamp(stamp: Path, value: str) -> None:
    stamp.parent.mkdir(parents=True, exist_ok=True)
    scratch = stamp.with_name(f"{stamp.name}.{os.getpid()}")
    scratch.write_text(value, encoding="utf-8")
    scratch.replace(stamp)


@contextlib.contextmanager
def _locked(file: Path) -> Generator[int]:
    """Hold an exclusive lock; yield the descriptor that keeps it."""
    with file.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"another run is setting up ({file}); waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle.fileno()


def _explain(output: str) -> str:
    lowered = output.lower()
    if "no space left" in lowered or "errno 28" in lowered:
        return "the disk is full"
    network = ("name resolution", "newconnectionerror", "connection refused", "network is unreachable", "proxyerror")
    more = ("max retries exceeded", "dns error", "failed to fetch", "could not fetch url", "error sending request")
    if any(sign in lowered for sign in (*network, *more)):
        return _NO_NETWORK
    return "see above"


def _terminate(number: int, _: FrameType | None) -> NoReturn:
    # Raised rather than died of, so that a process that is setting up is ended with this one.
    raise SystemExit(128 + number)


def _run(command: Sequence[str], environment: Mapping[str, str], lock: int, doing: str) -> None:
    """Run one step of setting up; show what it printed only if it fails."""
    before = signal.signal(signal.SIGTERM, _terminate)
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=(lock,),
        process_group=0,
    ) as child:
        try:
            output, _ = child.communicate()
        except BaseException:
            # Its children too: one left behind would write into what the next run makes anew.
            os.killpg(child.pid, signal.SIGKILL)
            raise
        finally:
            signal.signal(signal.SIGTERM, before)
    if child.returncode:
        tail = "\n".join(output.strip().splitlines()[-10:])
        msg = f"{tail}\n\ncould not {doing}: {_explain(output)}"
        raise DevError(msg)


def _environment(base: Path) -> dict[str, str]:
    """Return the variables that children get: the user's, without what would lead them astray."""
    astray = {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER"}
    environment = {
        name: value for name, value in os.environ.items() if name not in astray and not name.startswith("HATCH_")
    }
    environment.update(
        HATCH_CONFIG=str(base / "hatch.toml"),
        HATCH_DATA_DIR=str(base / "hatch"),
        HATCH_CACHE_DIR=str(base / "cache" / "hatch"),
        HATCH_PYTHON=_interpreter(),
        HATCH_ENV_TYPE_VIRTUAL_UV_PATH=str(_tool(base) / "bin" / "uv"),
        UV_CACHE_DIR=os.environ.get("UV_CACHE_DIR") or str(base / "cache" / "uv"),
        UV_PYTHON_DOWNLOADS="never",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        PYTHONNOUSERSITE="1",
    )
    if not os.access(ROOT, os.W_OK):
        # The repository is read-only: what tools write beside the source by habit goes elsewhere.
        environment.update(
            COVERAGE_FILE=str(base / "coverage"),
            HYPOTHESIS_STORAGE_DIRECTORY=str(base / "cache" / "hypothesis"),
            MYPY_CACHE_DIR=str(base / "cache" / "mypy"),
            PYTEST_ADDOPTS=f"{os.environ.get('PYTEST_ADDOPTS', '')} -p no:cacheprovider",
            PYTHONDONTWRITEBYTECODE="1",
            RUFF_CACHE_DIR=str(base / "cache" / "ruff"),
        )
    return environment


def _interpreter() -> str:
    """Return the interpreter that environments are made from, even when this one runs in an environment."""
    return str(getattr(sys, "_base_executable", "") or sys.executable)


def _tool_fingerprint() -> str:
    return fingerprint(*TOOLS, sys.version, _interpreter())


def _tool(base: Path) -> Path:
    return base / f"tool-{_tool_fingerprint()}"


def _check_free(base: Path) -> None:
    free = shutil.disk_usage(base).free
    if free < _FREE_BYTES:
        msg = f"{base} has {free // 1_000_000} MB free; setting up takes up to {_FREE_BYTES // 1_000_000} MB"
        raise DevError(msg)


def _make_tool(base: Path, environment: Mapping[str, str], lock: int) -> None:
    """Make the environment that holds hatch."""
    folder = _tool(base)
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            msg = (
                f"{sys.executable} lacks the module {module}, which makes environments.\n"
                f"On Debian and Ubuntu: sudo apt install python{version}-venv. "
                "Or run this with a Python that is complete, such as one from python.org, uv or pyenv."
            )
            raise DevError(msg)
    _say(f"installing {' and '.join(TOOLS)} into {folder}")
    if folder.exists():
        shutil.rmtree(folder)
    _run([_interpreter(), "-m", "venv", str(folder)], environment, lock, "make an environment")
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *TOOLS]
    _run(pip, environment, lock, f"install {TOOLS[0]}")


def _project_fingerprint(tool: str) -> str:
    files = [ROOT / "hatch.toml", ROOT / "pyproject.toml", *sorted(ROOT.glob("packages/*/pyproject.toml"))]
    return fingerprint(tool, *(part for file in files for part in (str(file), file.read_bytes())))


def _hatch(base: Path, *arguments: str) -> list[str]:
    return [str(_tool(base) / "bin" / "python"), "-m", "hatch", *arguments]


def _make_environment(base: Path, name: str, environment: Mapping[str, str], lock: int) -> None:
    """Make one of hatch's environments anew; without a network, from what is cached."""
    _say(f"installing what {name!r} needs into {base / 'hatch'}")
    _run(_hatch(base, "env", "remove", name), environment, lock, f"remove the environment {name}")
    create = _hatch(base, "--env", name, "run", "python", "-c", "")
    doing = f"install what {name} needs"
    try:
        _run(create, environment, lock, doing)
    except DevError as error:
        if _NO_NETWORK not in str(error):
            raise
        _say("no network; trying with what is cached")
        _run(_hatch(base, "env", "remove", name), environment, lock, f"remove the environment {name}")
        try:
            _run(create, {**environment, "UV_OFFLINE": "1"}, lock, doing)
        except DevError:
            raise error from None


def prepare(names: Sequence[str]) -> tuple[Path, dict[str, str]]:
    """Make what is missing or out of date among hatch and its environments.

    Args:
        names: The environments that will be used.

    Returns:
        The folder that holds everything, and the variables to run hatch with.

    Raises:
        DevError: Something cannot be made; the message says why and what to do.
    """
    for folder in ROOT.glob("packages/lexigram*"):
        if not (folder / "pyproject.toml").is_file():
            msg = f"{folder} is no distribution, it has no pyproject.toml: delete what another branch left there"
            raise DevError(msg)
    base = home(ROOT)
    environment = _environment(base)
    Path(environment["HATCH_CONFIG"]).touch()
    tool_stamp, tool_value = _tool(base) / "stamp", _tool_fingerprint()
    value = _project_fingerprint(tool_value)
    stamps = {name: base / "stamps" / name for name in names}

    def missing() -> list[str]:
        return [name for name, stamp in stamps.items() if not _stamped(stamp, value)]

    if _stamped(tool_stamp, tool_value) and not missing():
        return base, environment
    started = time.monotonic()
    with _locked(base / "lock") as lock:
        if not _stamped(tool_stamp, tool_value) or missing():
            _check_free(base)
        if not _stamped(tool_stamp, tool_value):
            _make_tool(base, environment, lock)
            _stamp(tool_stamp, tool_value)
        for name in missing():
            _make_environment(base, name, environment, lock)
            _stamp(stamps[name], value)
    _say(f"set up in {time.monotonic() - started:.0f} s; to undo it, delete {base}")
    return base, environment


def _call(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a job as the shell would: its terminal, its signals, its exit code."""
    # At a terminal the job shares our process group, so that Ctrl-C reaches all of it and a prompt can be answered.
    # Elsewhere it has one of its own, so that a signal sent to us reaches the processes that hatch starts as well.
    at_terminal = sys.stdin is not None and sys.stdin.isatty()
    received: list[int] = []
    child = subprocess.Popen(command, cwd=ROOT, env=dict(environment), process_group=None if at_terminal else 0)

    def forward(number: int, _: FrameType | None) -> None:
        received.append(number)
        if not at_terminal:
            os.killpg(child.pid, number)
        elif number != signal.SIGINT:
            child.send_signal(number)

    caught = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, forward) for number in caught}
    try:
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if code and received:
        return 128 + received[0]
    return 128 - code if code < 0 else code


def _from_here(argument: str) -> str:
    """Return a file's name as it is known in the repository, where jobs run, when it was given from elsewhere."""
    option, equals, value = argument.rpartition("=") if argument.startswith("-") else ("", "", argument)
    file, colons, rest = value.partition("::")
    # A name without a dot or a slash may as well be a word, such as what follows -k.
    if not {".", "/"} & set(file) or (ROOT / file).exists() or not Path(file).exists():
        return argument
    return f"{option}{equals}{Path(file).resolve()}{colons}{rest}"


def _run_steps(steps: Sequence[Step], extra: Sequence[str]) -> int:
    base, environment = prepare(list(dict.fromkeys(step.environment for step in steps)))
    codes: dict[str, int] = {}
    for step in steps:
        if len(steps) > 1:
            _say(f"hatch run {step.target}")
        started = time.monotonic()
        code = _call(_hatch(base, "run", step.target, *extra), environment)
        codes[f"{step.target:<12} {time.monotonic() - started:5.0f} s"] = code
        if code > 128:
            return code
    if len(steps) > 1:
        for line, code in codes.items():
            _say(f"{line}  {'passed' if code == 0 else f'FAILED ({code})'}")
    return next((code for code in codes.values() if code), 0)


def _named(target: str) -> Step:
    """Return the script that a person named as hatch does, such as `test` or `lint:fix`."""
    environment, _, script = target.rpartition(":")
    step = Step(environment or "default", script)
    environments = tomllib.loads((ROOT / "hatch.toml").read_text(encoding="utf-8"))["envs"]
    if script not in environments.get(step.environment, {}).get("scripts", {}):
        known = [
            Step(name, script).target for name, table in environments.items() for script in table.get("scripts", {})
        ]
        msg = f"hatch.toml has no script {target!r}; it has {', '.join(known)}"
        raise DevError(msg)
    return step


def _shell(arguments: Sequence[str]) -> int:
    base, environment = prepare(["default"])
    command = _hatch(base, "run", *arguments) if arguments else _hatch(base, "shell")
    return _call(command, environment)


def main(arguments: Sequence[str], usage: str) -> int:
    """Run a job.

    Args:
        arguments: The command line without the program's name: a job, and what goes to its script.
        usage: What to print when asked for help.

    Returns:
        The exit code of the job (the first that is not 0, where it has several steps), 2 for a wrong command line, 1
        if it could not be set up.
    """
    job, *extra = arguments or ["--help"]
    if job in {"-h", "--help", "help"}:
        print(usage.strip())
        return 0 if arguments else 2
    if job not in JOBS:
        print(f"dev: there is no job {job!r}; there are {', '.join(JOBS)}", file=sys.stderr)
        return 2
    steps = JOBS[job]
    if extra and len(steps) > 1:
        print(
            f"dev: {job} takes no arguments; run one step of it: {', '.join(s.target for s in steps)}", file=sys.stderr
        )
        return 2
    try:
        if job == "shell":
            return _shell(extra)
        if job == "run":
            target, *extra = extra or [""]
            steps = (_named(target),)
        return _run_steps(steps, [_from_here(argument) for argument in extra])
    except DevError as error:
        print(f"dev: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"dev: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("dev: interrupted; run it again to go on", file=sys.stderr)
        return 130

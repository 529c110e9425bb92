"""The command as a person runs it: in processes of its own, on a backend that somebody else built and installed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

MAIN = "from lexigram.cli import main; main()"


def python(*arguments: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run([sys.executable, *map(str, arguments)], cwd=cwd, capture_output=True, text=True)
    assert not check or ran.returncode == 0, ran.stdout + ran.stderr
    return ran


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the toy backend's wheel was installed."""
    source = Path(__file__).parent.parent / "toy_backend"
    built, folder = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("site")
    python("-m", "hatchling", "build", "-t", "wheel", "-d", built, cwd=source)
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if name.startswith("lexigram/")]
    install = ["-m", "uv", "pip", "install", "-q", "--offline", "--no-deps", "--no-config", "--target"]
    python(*install, folder, wheel, "--python", sys.executable, cwd=built)
    return folder


@pytest.fixture(autouse=True)
def _no_configuration_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LEX_")]:
        monkeypatch.delenv(name)


class Shell:
    """A folder in which commands run, each in a process of its own."""

    def __init__(self, folder: Path, site: Path) -> None:
        self.folder = folder
        paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "200"}
        (folder / "application.yaml").write_text(
            f"nosql:\n  driver: jsonfiles\n  jsonfiles:\n    folder: {folder / 'db'}\n    scan_policy: allow\n"
        )

    def start(self, *arguments: str | Path, program: str = MAIN) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str | Path, code: int = 0, program: str = MAIN) -> str:
        """Run a command to its end and return what it said."""
        process = self.start(*arguments, program=program)
        out, err = process.communicate(timeout=50)
        assert process.returncode == code, out + err
        assert "Traceback" not in err, err
        return out if code == 0 else out + err


@pytest.fixture
def shell(tmp_path: Path, site: Path) -> Shell:
    return Shell(tmp_path, site)


def test_the_backend_of_a_third_party_is_found_configured_and_used(shell: Shell) -> None:
    """Built and installed elsewhere, under its own import name, and named in the YAML: nothing of ours changed."""
    listed = {backend["name"]: backend for backend in json.loads(shell.run("nosql", "backends", "--json"))}
    assert listed["jsonfiles"]["distribution"] == "acme-lexigram-jsonfiles"
    assert listed["jsonfiles"]["version"] == "1.4.0"
    assert listed["jsonfiles"]["value"] == "lexigram_jsonfiles:SPEC"
    assert "ok" in shell.run("nosql", "ping")
    program = """
import asyncio
from lexigram import Application
from lexigram.config import LexigramConfig
from lexigram.contracts.data.nosql.nosql import DocumentStoreProtocol
from lexigram.nosql import AddField, MigrationManager, NoSQLModule

async def run():
    config = LexigramConfig.from_yaml("application.yaml")
    async with Application.boot(modules=[NoSQLModule.configure()], config=config) as app:
        store = await app.container.resolve(DocumentStoreProtocol)
        await store.collection("products").insert_many([{"_id": n, "price": n * 10} for n in range(5)])
        await MigrationManager("prices").add(AddField("products", "currency", default="EUR")).apply()
        found = await store.collection("products").find({"price": {"$gte": 20}}, sort=[("price", -1)]).to_list()
        print([(product["_id"], product["currency"]) for product in found])

asyncio.run(run())
"""
    assert shell.run(program=program) == "[(4, 'EUR'), (3, 'EUR'), (2, 'EUR')]\n"
    assert "products" in shell.run("nosql", "collections")


def test_documents_go_in_and_come_out(shell: Shell) -> None:
    """Import, find, explain and export, each in a process of its own."""
    (shell.folder / "in.jsonl").write_text(
        '{"_id":1,"at":{"$date":"2026-01-01T00:00:00.000Z"}}\n{bad\n{"_id":2,"n":2.5}\n'
    )
    said = shell.run("nosql", "import", "items", "in.jsonl", code=1)
    assert "2 inserted, 1 rejected" in said
    assert shell.run("nosql", "find", "items", "-f", '{"n":{"$gt":2}}') == '{"_id":2,"n":2.5}\n'
    assert "find on items (jsonfiles): key" in shell.run("nosql", "explain", "items", "-f", '{"_id":1}')
    shell.run("nosql", "export", "items", "out.jsonl.gz", "--sort", "_id")
    shell.run("nosql", "drop", "items", "--yes")
    shell.run("nosql", "import", "items", "out.jsonl.gz")
    assert shell.run("nosql", "find", "items", "--sort", "-_id") == (
        '{"_id":2,"n":2.5}\n{"_id":1,"at":{"$date":"2026-01-01T00:00:00.000Z"}}\n'
    )


def test_the_doctor_knows_the_store(shell: Shell) -> None:
    """Its check is found by its entry point."""
    report = json.loads(shell.run("doctor", "--json"))
    assert [check["component"] for check in report["checks"]] == ["nosql:default"]
    assert report["checks"][0]["status"] == "healthy"


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something another process does is seen."""
    end = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_an_import_that_was_ended_from_outside_can_go_on(shell: Shell, number: signal.Signals, code: int) -> None:
    """Ctrl-C and a kill leave a checkpoint; in the end every line is there once, with or without an id."""
    (shell.folder / "in.jsonl").write_text("".join(f'{{"n":{n}}}\n' for n in range(2000)))
    checkpoint = shell.folder / "in.jsonl.checkpoint.json"
    process = shell.start("nosql", "import", "items", "in.jsonl", "--batch-size", "50")
    wait_for(lambda: checkpoint.exists() and json.loads(checkpoint.read_text())["line"] > 0)
    process.send_signal(number)
    _, err = process.communicate(timeout=50)
    assert process.returncode == code, err
    stopped = json.loads(checkpoint.read_text())["line"]
    assert 0 < stopped < 2000
    if number is signal.SIGINT:
        assert f"Stopped after line {stopped:,}" in err
        assert "Traceback" not in err
    report = json.loads(shell.run("nosql", "import", "items", "in.jsonl", "--resume", "--json"))
    assert (report["lines"], report["inserted"], report["rejected"]) == (2000, 2000, 0)
    exported = [json.loads(line)["n"] for line in shell.run("nosql", "export", "items").splitlines()]
    assert sorted(exported) == list(range(2000))
    assert not checkpoint.exists()


def test_a_reader_that_goes_away_ends_an_export_quietly(shell: Shell) -> None:
    """As with ``| head``."""
    (shell.folder / "in.jsonl").write_text("".join(f'{{"_id":{n},"x":"{"x" * 200}"}}\n' for n in range(1500)))
    shell.run("nosql", "import", "items", "in.jsonl")
    process = shell.start("nosql", "export", "items")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=50) == 1
    assert "Traceback" not in err


MIGRATIONS = """
import os, time
from pathlib import Path
from lexigram.nosql import MigrationManager, RenameField
from lexigram.nosql.migration import RunPython

def crash_once(store):
    if not Path("crashed").exists():
        Path("crashed").touch()
        os._exit(9)

async def count(store):
    await store.collection("counts").update_one({"_id": "runs"}, {"$inc": {"n": 1}}, upsert=True)

crashing = MigrationManager(name="c", lock_seconds=0.5).add(RenameField("items", "a", "b"))
crashing.add(RunPython(crash_once, checksum="1"))
counting = [("1", "count", RunPython(count, checksum="1"))]
"""


def test_a_migration_whose_process_died_is_resumed_once_its_lock_has_expired(shell: Shell) -> None:
    """The dead process released nothing and recorded nothing."""
    (shell.folder / "changes.py").write_text(MIGRATIONS)
    process = shell.start("nosql", "migrate", "up", "-m", "changes:crashing")
    process.communicate(timeout=50)
    assert process.returncode == 9
    rows = json.loads(shell.run("nosql", "migrate", "status", "-m", "changes:crashing", "--json"))
    assert [row["state"] for row in rows] == ["applied", "running"]
    said = shell.run("nosql", "migrate", "up", "-m", "changes:crashing", "--wait", "20")
    assert said == "applied c-0002: run crash_once\n"
    runs = json.loads(shell.run("nosql", "migrate", "history", "-m", "changes:crashing", "--json"))
    assert [run["state"] for run in runs] == ["applied", "interrupted", "applied"]


def test_of_several_processes_one_migrates(shell: Shell) -> None:
    """The others wait, and find nothing left to do."""
    (shell.folder / "changes.py").write_text(MIGRATIONS)
    started = [shell.start("nosql", "migrate", "up", "-m", "changes:counting", "--wait", "40") for _ in range(3)]
    said = [process.communicate(timeout=50) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], said
    assert sorted(out for out, _ in said) == [
        *["Nothing to do: no migration is to be applied.\n"] * 2,
        "applied 1: count\n",
    ]
    assert shell.run("nosql", "find", "counts") == '{"_id":"runs","n":1}\n'

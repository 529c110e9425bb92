"""``lexigram nosql migrate up|down|status|history``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from lexigram.nosql.cli.migrating import load_manager
from lexigram.nosql.exceptions import MigrationError

VERSIONED = """
from lexigram.nosql import AddField, MigrationManager, RenameField
from lexigram.nosql.migration import RunPython

async def fill(store):
    await store.collection("users").update_one({"_id": "x"}, {"$set": {"b": 1}}, upsert=True)

async def empty(store):
    await store.collection("users").delete_one({"_id": "x"})

migrations = [
    ("1", "fill", RunPython(fill, empty, checksum="1")),
    ("2", "add", AddField("users", "a", default=1)),
    ["10", "rename", RenameField("users", "a", "c")],
]
"""


@pytest.fixture
def migrate(command: Any, held: Any) -> Any:
    """``lexigram nosql migrate`` with a module of three migrations."""
    name = f"changes_{command.folder.name}"
    (command.folder / f"{name}.py").write_text(VERSIONED)
    command.options = ["-d", "held", "-m", name]

    def run(*arguments: str) -> Any:
        return command("migrate", *arguments)

    return run


def users(held: Any) -> list[dict[str, Any]]:
    return list(held.native.get("users", []))


def test_up_applies_and_down_undoes(migrate: Any, held: Any) -> None:
    """In order, with a line for each."""
    up = migrate("up")
    assert (up.code, up.out) == (0, "applied 1: fill\napplied 2: add\napplied 10: rename\n")
    assert users(held) == [{"_id": "x", "b": 1, "c": 1}]
    assert migrate("up").out == "Nothing to do: no migration is to be applied.\n"
    assert migrate("down").out == "undone 10: rename\n"
    assert users(held) == [{"_id": "x", "b": 1, "a": 1}]
    assert migrate("down", "--to", "1").out == "undone 2: add\n"
    assert json.loads(migrate("up", "--to", "2", "--json").out) == {"applied": ["2"]}
    assert json.loads(migrate("down", "--steps", "5", "--json").out) == {"undone": ["2", "1"]}
    assert users(held) == []
    assert migrate("down").out == "Nothing to do: no migration is to be undone.\n"


def test_a_dry_run_says_what_would_be_done(migrate: Any, held: Any) -> None:
    """And does nothing."""
    outcome = migrate("up", "--dry-run", "--to", "2")
    assert outcome.out == "would run: up 1: fill: run fill\nwould run: up 2: add: add field a to users\n"
    assert not held.native
    steps = json.loads(migrate("up", "--dry-run", "--json").out)
    assert steps["dry_run"] is True
    assert steps["steps"][2] == {
        "version": "10",
        "direction": "up",
        "operation": "rename field a of users to c",
        "resumes": False,
    }
    migrate("up")
    assert migrate("down", "--dry-run").out == "would run: down 10: rename: rename field c of users to a\n"
    assert migrate("down", "--dry-run", "--to", "10").out == "Nothing to do: no migration is to be undone.\n"
    assert json.loads(migrate("down", "--dry-run", "--to", "10", "--json").out) == {"dry_run": True, "steps": []}


def test_status_shows_each_migration(migrate: Any, command: Any) -> None:
    """Pending and applied, changed and unknown; --check makes it the exit code."""
    assert migrate("status", "--check").code == 1
    migrate("up", "--to", "2")
    rows = [line.split() for line in migrate("status").out.splitlines()]
    assert [row[:3] for row in rows[1:]] == [
        ["1", "fill", "applied"],
        ["2", "add", "applied"],
        ["10", "rename", "pending"],
    ]
    assert rows[1][-1] == "ms"
    assert [row["state"] for row in json.loads(migrate("status", "--json").out)] == ["applied", "applied", "pending"]
    migrate("up")
    assert migrate("status", "--check").code == 0
    (command.folder / "others.py").write_text(
        "from lexigram.nosql import AddField\nmigrations = [('2', 'add', AddField('users', 'a', default=2))]\n"
    )
    command.options = ["-d", "held", "-m", "others"]
    changed = migrate("status", "--check")
    assert changed.code == 1
    assert "changed since it was applied" in changed.out
    assert changed.out.count("not among these migrations") == 2
    refused = migrate("up")
    assert refused.code == 1
    assert "LEX_ERR_NOSQL_024" in refused.err


def test_history_shows_each_run(migrate: Any, command: Any) -> None:
    """Failures with what went wrong."""
    migrate("up", "--to", "1")
    migrate("down")
    (command.folder / "failing.py").write_text(
        "from lexigram.nosql.migration import RunPython\n"
        "def fail(store): raise ValueError('no such thing')\n"
        "migrations = [('1', 'fail', RunPython(fail, checksum='1'))]\n"
    )
    command.options = ["-d", "held", "-m", "failing"]
    failed = migrate("up")
    assert failed.code == 1
    assert "migration 1: fail failed: ValueError: no such thing" in failed.text
    assert "Traceback" not in failed.err
    lines = migrate("history").out.splitlines()
    assert len(lines) == 4
    assert "no such thing" in lines[3]
    runs = json.loads(migrate("history", "--json").out)
    assert [(run["direction"], run["state"]) for run in runs] == [
        ("up", "applied"),
        ("down", "rolled_back"),
        ("up", "failed"),
    ]
    status = migrate("status").out
    assert "up did not finish: ValueError: no such thing" in status


def test_what_cannot_be_undone_says_so(migrate: Any, command: Any) -> None:
    """Before anything is touched."""
    (command.folder / "one_way.py").write_text(
        "from lexigram.nosql import DropCollection, MigrationManager\n"
        "manager = MigrationManager('one-way').add(DropCollection('old'))\n"
    )
    command.options = ["-d", "held", "-m", "one_way"]
    assert migrate("up").out == "applied one-way-0001: drop collection old\n"
    outcome = migrate("down")
    assert outcome.code == 1
    assert "cannot be rolled back" in outcome.text


def test_target_and_steps_exclude_each_other(migrate: Any) -> None:
    """Misuse, like a number of steps below one and an unknown version."""
    assert migrate("down", "--to", "1", "--steps", "1").code == 2
    assert migrate("down", "--steps", "0").code == 2
    unknown = migrate("up", "--to", "11")
    assert unknown.code == 1
    assert "there is no version '11'" in unknown.text


def test_the_module_is_needed(command: Any) -> None:
    """And can come from the environment."""
    outcome = command("migrate", "up", "-d", "memory")
    assert outcome.code == 2
    assert "--module" in outcome.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot import the migrations"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import nothing_like_that", "No module named 'nothing_like_that'"),
        ("", "has no manager and no migrations"),
        ("migrations = 'all'", "is a str, which holds no migrations"),
        ("migrations = [1]", "holds 1, which is no migration"),
        ("migrations = [('1', 'text')]", "which is no migration"),
        ("migrations = [('1', 'text', None)]", "takes an operation, not NoneType"),
    ],
)
def test_a_module_without_migrations_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, message: str
) -> None:
    """With what was found, and the forms that are understood."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = f"broken_{tmp_path.name}"
    if content is not None:
        (tmp_path / f"{name}.py").write_text(content)
    with pytest.raises(MigrationError) as caught:
        load_manager(name)
    assert message in caught.value.message
    if content is None or "import" in content:
        assert caught.value.__cause__ is not None


def test_a_name_after_the_module_chooses_the_attribute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``package.module:name``; operations alone are numbered."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "shopwork").mkdir()
    (tmp_path / "shopwork" / "__init__.py").write_text("")
    (tmp_path / "shopwork" / "changes.py").write_text(
        "from lexigram.nosql import AddField\nstock = (AddField('s', 'a', 1), AddField('s', 'b', 1))\n"
    )
    manager = load_manager("shopwork.changes:stock")
    assert [migration.version for migration in manager.migrations] == ["0001", "0002"]
    with pytest.raises(MigrationError, match="has no prices"):
        load_manager("shopwork.changes:prices")

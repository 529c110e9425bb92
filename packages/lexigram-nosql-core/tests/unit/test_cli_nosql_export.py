"""``lexigram nosql export``: complete files or none, every type kept, little held."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from lexigram.nosql.backends.memory.driver import MemoryCollection
from lexigram.nosql.cli.exporting import write_documents
from lexigram.nosql.cli.lines import LineWriter, replace_file
from lexigram.nosql.exceptions import NoSQLConnectionError
from rich.console import Console


@pytest.fixture
def items(command: Any, held: Any) -> Iterator[Any]:
    """The command on a store with 1,200 documents."""
    command.options = ["-d", "held"]
    lines = "".join(f'{{"_id":{n},"n":{n % 7}}}\n' for n in range(1200))
    assert command("import", "items", "-", stdin=lines.encode()).code == 0
    return command


def test_an_export_holds_every_document(items: Any, tmp_path: Path) -> None:
    """One line each; the report goes beside it."""
    outcome = items("export", "items", tmp_path / "out.jsonl", "--sort", "_id")
    assert outcome.code == 0
    assert outcome.out.startswith(f"items: 1,200 documents to {tmp_path / 'out.jsonl'} in ")
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["_id"] for line in lines] == list(range(1200))
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_options_choose_what_is_exported(items: Any, tmp_path: Path) -> None:
    """Filter, sort, projection and limit; the report as JSON."""
    outcome = items(
        "export", "items", "out.jsonl", "-f", '{"n":3}', "--sort", "-_id", "-n", "2", "--projection", "n", "--json"
    )
    report = json.loads(outcome.out)
    assert (report["documents"], report["file"], report["collection"]) == (2, "out.jsonl", "items")
    assert Path("out.jsonl").read_text() == '{"_id":1193,"n":3}\n{"_id":1186,"n":3}\n'


def test_standard_output_gets_documents_only(items: Any) -> None:
    """The report goes to standard error, and cannot be JSON at the same place."""
    outcome = items("export", "items", "-n", "1", "--sort", "_id")
    assert outcome.out == '{"_id":0,"n":0}\n'
    assert outcome.err.startswith("items: 1 document in ")
    assert items("export", "items", "--json").code == 2


def test_gzip_is_written_by_its_name(items: Any, tmp_path: Path) -> None:
    """Equal exports are equal files, whatever the time and the name."""
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        assert items("export", "items", tmp_path / name, "--sort", "_id").code == 0
    data = (tmp_path / "a.jsonl.gz").read_bytes()
    assert data == (tmp_path / "b.jsonl.gz").read_bytes()
    assert len(gzip.decompress(data).splitlines()) == 1200


def test_an_export_that_fails_leaves_what_was_there(
    items: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No half file, and no leftover."""
    (tmp_path / "out.jsonl").write_text("before\n")
    real = MemoryCollection.read

    async def read(collection: Any, *arguments: Any) -> AsyncIterator[Any]:
        async for batch in real(collection, *arguments):
            yield batch
            raise NoSQLConnectionError("the server is gone")

    monkeypatch.setattr(MemoryCollection, "read", read)
    outcome = items("export", "items", tmp_path / "out.jsonl")
    assert outcome.code == 1
    assert "the server is gone" in outcome.text
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    assert (tmp_path / "out.jsonl").read_text() == "before\n"


def test_interrupting_an_export_leaves_nothing(items: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 130."""

    def interrupt(self: Any, lines: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LineWriter, "write", interrupt)
    assert items("export", "items", tmp_path / "out.jsonl").code == 130
    assert list(tmp_path.iterdir()) == []


def test_links_and_modes_stay(items: Any, tmp_path: Path) -> None:
    """What a link points to is replaced, with the mode it had."""
    target = tmp_path / "target.jsonl"
    target.write_text("")
    target.chmod(0o600)
    (tmp_path / "link.jsonl").symlink_to(target)
    assert items("export", "items", tmp_path / "link.jsonl", "-n", "1").code == 0
    assert (tmp_path / "link.jsonl").is_symlink()
    assert len(target.read_text().splitlines()) == 1
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_what_is_no_file_is_written_directly(items: Any, tmp_path: Path) -> None:
    """A named pipe has no place that another file could take."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    assert items("export", "items", pipe, "-n", "3").code == 0
    reader.join()
    assert len(read[0].splitlines()) == 3
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_place_that_cannot_be_written_is_misuse(items: Any, tmp_path: Path) -> None:
    """A folder that does not exist, or that stands in the place of the file."""
    assert items("export", "items", tmp_path / "no" / "out.jsonl").code == 2
    assert items("export", "items", tmp_path).code == 2


def test_an_empty_collection_makes_an_empty_file(items: Any, tmp_path: Path) -> None:
    """Nothing is not a failure."""
    assert items("export", "nothing", tmp_path / "out.jsonl").code == 0
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def test_a_small_file_is_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When writing fails, the old one stays and nothing is left over."""
    file = tmp_path / "x"
    replace_file(file, "old")

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        replace_file(file, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert file.read_text() == "old"


async def test_fifty_thousand_documents_are_never_held_together() -> None:
    """Of what has been read, no more than a batch has not been written."""
    made = written = most = 0

    async def documents() -> AsyncIterator[dict[str, Any]]:
        nonlocal made, most
        for number in range(50_000):
            made += 1
            most = max(most, made - written)
            yield {"_id": number}

    class Sink:
        def write(self, lines: list[str]) -> None:
            nonlocal written
            written += len(lines)

    sink: Any = Sink()
    steps: list[int] = []
    assert await write_documents(documents(), sink, steps.append) == 50_000
    assert most <= 500
    assert steps[-1] == 50_000
    assert len(steps) == 100


def test_fifty_thousand_documents_come_back_as_they_went(items: Any, tmp_path: Path) -> None:
    """Import, export, and the text is the same."""
    text = "".join(f'{{"_id":{n},"t":{{"$date":"2026-01-01T00:00:00.000Z"}}}}\n' for n in range(50_000))
    (tmp_path / "in.jsonl").write_text(text)
    assert items("import", "many", tmp_path / "in.jsonl").code == 0
    assert items("export", "many", tmp_path / "out.jsonl").code == 0
    assert (tmp_path / "out.jsonl").read_text() == text


def test_a_terminal_sees_progress(items: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a total where it is known: all, or the limit."""
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr("lexigram.nosql.cli.progress.console", lambda **options: terminal)
    assert items("export", "items", tmp_path / "out.jsonl").code == 0
    assert "export items" in out.getvalue()
    assert "1,200 documents" in out.getvalue()
    assert items("export", "items", tmp_path / "out.jsonl", "-f", '{"n":1}', "-n", "5").code == 0
    assert "5 documents" in out.getvalue()

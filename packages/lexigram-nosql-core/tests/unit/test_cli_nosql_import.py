"""``lexigram nosql import``: what is loaded, what is rejected, and going on after a stop."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from lexigram.nosql.backends.memory.driver import MemoryCollection
from lexigram.nosql.cli.checkpoint import Checkpoint, checkpoint_path
from lexigram.nosql.cli.importing import Importer
from lexigram.nosql.cli.lines import LineReader
from lexigram.nosql.cli.progress import ProgressBar
from lexigram.nosql.exceptions import NoSQLConnectionError, NoSQLError
from rich.console import Console

Documents = Callable[[str], Mapping[Any, Any]]


@pytest.fixture
def load(command: Any, held: Any) -> Iterator[Any]:
    """``lexigram nosql import items`` into the held store."""
    command.options = ["-d", "held"]

    def run(*arguments: Any, **options: Any) -> Any:
        return command("import", "items", *arguments, **options)

    return run


def write(path: Path, count: int, first: int = 0) -> Path:
    path.write_text("".join(f'{{"_id":{n},"n":{n % 7}}}\n' for n in range(first, first + count)), encoding="utf-8")
    return path


class Stop:
    """Makes the store fail, or stop, at one of its inserts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
        self._patch = monkeypatch
        self._error = error
        self._real = MemoryCollection.insert

    def at(self, call: int, *, after: bool = False) -> None:
        """Fail at this call, before it or after its documents are stored."""
        calls = 0
        real, error = self._real, self._error

        async def insert(collection: Any, *arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == call and not after:
                raise error
            result = await real(collection, *arguments)
            if calls == call:
                raise error
            return result

        self._patch.setattr(MemoryCollection, "insert", insert)

    def never(self) -> None:
        """Work again."""
        self._patch.setattr(MemoryCollection, "insert", self._real)


@pytest.fixture
def stop(monkeypatch: pytest.MonkeyPatch) -> Stop:
    return Stop(monkeypatch, NoSQLConnectionError("the server is gone"))


def test_lines_become_documents(load: Any, tmp_path: Path, documents_of: Documents) -> None:
    """A summary says how many; nothing else is left in the folder."""
    outcome = load(write(tmp_path / "items.jsonl", 2500))
    assert outcome.code == 0
    assert outcome.out.startswith("items: 2,500 lines in ")
    assert "2,500 inserted." in outcome.out
    assert len(documents_of("items")) == 2500
    assert [path.name for path in tmp_path.iterdir()] == ["items.jsonl"]


def test_the_file_that_is_read_cannot_take_the_bad_lines(load: Any, tmp_path: Path, documents_of: Documents) -> None:
    """Naming one file twice is refused before anything is touched."""
    file = write(tmp_path / "items.jsonl", 3)
    before = file.read_text()

    result = load(file, "--rejects", file)

    assert result.code == 2
    assert file.read_text() == before


def test_types_survive(load: Any, tmp_path: Path, documents_of: Documents, command: Any) -> None:
    """What was exported is what is imported."""
    text = (
        '{"_id":{"$oid":"5f5e8f1e9d3b2a1c4d5e6f70"},"d":{"$date":"2026-01-01T00:00:00.000Z"},'
        '"u":{"$binary":{"base64":"EjRWeBI0VngSNFZ4EjRWeA==","subType":"04"}},"x":{"$numberDecimal":"1.10"},"f":1.0}\n'
    )
    (tmp_path / "in.jsonl").write_text(text)
    assert load(tmp_path / "in.jsonl").code == 0
    assert command("export", "items", tmp_path / "out.jsonl").code == 0
    assert (tmp_path / "out.jsonl").read_text() == text
    (document,) = documents_of("items").values()
    assert document["u"] == uuid.UUID("12345678123456781234567812345678")


def test_bad_lines_go_to_a_file_and_the_rest_is_loaded(load: Any, tmp_path: Path, documents_of: Documents) -> None:
    """With line number, code and reason; the exit code is 1."""
    file = tmp_path / "items.jsonl"
    file.write_bytes(
        b'\xef\xbb\xbf{"_id":1}\n'
        b"\n"
        b"{broken\n"
        b'"text"\n'
        b'{"_id":2,"when":{"$date":"never"}}\n'
        b'{"_id":3,"n":"\xff"}\n'
        b'{"_id":1,"again":true}\n'
        b'{"_id":4,"n":99999999999999999999}\r\n'
        b'{"_id":[5]}\n'
        b"   \r\n"
        b'{"_id":6}'
    )
    outcome = load(file)
    assert outcome.code == 1
    assert "2 inserted, 7 rejected" in outcome.out
    assert "The bad lines are in" in outcome.out
    assert set(documents_of("items")) == {1, 6}
    entries = [json.loads(line) for line in (tmp_path / "items.jsonl.rejects.jsonl").read_text().splitlines()]
    assert [entry["line"] for entry in entries] == [3, 4, 5, 6, 7, 8, 9]
    by_line = {entry["line"]: entry for entry in entries}
    assert by_line[3]["reason"].startswith("not JSON")
    assert by_line[3]["text"] == "{broken"
    assert by_line[4]["reason"] == "not a document but 'text'"
    assert "never" in by_line[5]["reason"]
    assert by_line[6]["reason"] == "not UTF-8: invalid start byte at byte 14"
    assert "base64" in by_line[6]
    assert by_line[7]["code"] == "LEX_ERR_NOSQL_004"
    assert all(entry["code"].startswith("LEX_ERR_NOSQL_0") for entry in entries)


def test_a_line_that_is_longer_than_any_document_is_read_past(tmp_path: Path) -> None:
    """It is not held; the lines around it are whole."""
    file = tmp_path / "long.jsonl"
    file.write_bytes(b"first\n" + b"x" * 50_000 + b"\n" + b"y" * 101 + b"\nlast")
    with LineReader(file, longest=100) as reader:
        found = [reader.read() for _ in range(5)]
        assert reader.offset == file.stat().st_size
    assert [(line.number, len(line.data), line.whole) for line in found if line is not None] == [
        (1, 5, True),
        (2, 101, False),
        (3, 101, False),
        (4, 4, True),
    ]
    assert found[4] is None


def test_an_endless_line_is_rejected(
    load: Any, tmp_path: Path, documents_of: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its beginning is kept to find it by."""
    monkeypatch.setattr("lexigram.nosql.cli.lines.LONGEST_LINE", 64)
    monkeypatch.setattr(LineReader.__init__, "__defaults__", (64,))
    file = tmp_path / "items.jsonl"
    file.write_bytes(b'{"_id":1}\n{"_id":2,"x":"' + b"x" * 5000 + b'"}\n{"_id":3}\n')
    assert load(file).code == 1
    assert set(documents_of("items")) == {1, 3}
    entry = json.loads((tmp_path / "items.jsonl.rejects.jsonl").read_text())
    assert entry["reason"] == "the line is longer than any document"
    assert entry["cut"] is True
    assert entry["text"].startswith('{"_id":2')


def test_modes_say_what_happens_to_an_id_that_exists(load: Any, tmp_path: Path, documents_of: Documents) -> None:
    """Insert rejects it, skip leaves the old, upsert puts the new in its place."""
    file = tmp_path / "items.jsonl"
    file.write_text('{"_id":1,"v":"old"}\n')
    load(file)
    file.write_text('{"_id":1,"v":"new"}\n{"_id":2,"v":"new"}\n{"_id":2,"v":"newer"}\n')
    rejected = load(file)
    assert (rejected.code, documents_of("items")[1]["v"], documents_of("items")[2]["v"]) == (1, "old", "new")
    skipped = load(file, "--mode", "skip")
    assert skipped.code == 0
    assert "0 inserted, 3 skipped" in skipped.out
    upserted = load(file, "--mode", "upsert", "--json")
    assert upserted.code == 0
    assert documents_of("items")[1]["v"] == "new"
    assert documents_of("items")[2]["v"] == "newer"
    report = json.loads(upserted.out)
    assert {name: report[name] for name in ("lines", "inserted", "replaced", "skipped", "rejected", "rejects")} == {
        "lines": 3,
        "inserted": 0,
        "replaced": 3,
        "skipped": 0,
        "rejected": 0,
        "rejects": None,
    }


@pytest.mark.parametrize("mode", ["insert", "upsert", "skip"])
def test_other_unique_indexes_reject_in_every_mode(
    load: Any, command: Any, tmp_path: Path, documents_of: Documents, mode: str
) -> None:
    """Only the id says that it is the same document."""
    (tmp_path / "unique_mail.py").write_text(
        "from lexigram.nosql import CreateIndex\nmigrations = [CreateIndex('items', 'mail', unique=True)]\n"
    )
    assert command("migrate", "up", "-m", "unique_mail").code == 0
    outcome = load("-", "--mode", mode, stdin=b'{"_id":1,"mail":"a"}\n{"_id":2,"mail":"a"}\n{"_id":3,"mail":"b"}\n')
    assert outcome.code == 1
    assert set(documents_of("items")) == {1, 3}
    assert json.loads(Path("items.rejects.jsonl").read_text())["line"] == 2


def test_gzip_is_read_by_its_name(load: Any, tmp_path: Path, documents_of: Documents) -> None:
    """Damage is said, with how far the file was good."""
    data = gzip.compress(b"".join(b'{"_id":%d}\n' % n for n in range(5000)))
    (tmp_path / "items.jsonl.gz").write_bytes(data)
    assert load(tmp_path / "items.jsonl.gz").code == 0
    assert len(documents_of("items")) == 5000
    (tmp_path / "half.jsonl.gz").write_bytes(data[: len(data) // 2])
    outcome = load(tmp_path / "half.jsonl.gz", "--mode", "skip")
    assert outcome.code == 1
    assert "is damaged after line" in outcome.text
    (tmp_path / "none.jsonl.gz").write_bytes(b"not gzip at all\n")
    assert "is damaged after line 0" in load(tmp_path / "none.jsonl.gz").text


def test_standard_input_has_no_checkpoint(load: Any, tmp_path: Path, documents_of: Documents) -> None:
    """Bad lines go to a file named after the collection, or where --rejects says."""
    assert load("-", stdin=b'{"_id":1}\n{\n').code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["items.rejects.jsonl"]
    assert load("-", "--rejects", "bad.jsonl", stdin=b'{"_id":2}\n{\n').code == 1
    assert (tmp_path / "bad.jsonl").exists()
    assert set(documents_of("items")) == {1, 2}
    refused = load("-", "--resume", stdin=b"")
    assert refused.code == 2
    assert "cannot be read a second time" in refused.text


def test_a_file_of_bad_lines_of_an_earlier_import_is_replaced(load: Any, tmp_path: Path) -> None:
    """It belongs to one import; one without bad lines leaves none."""
    file = tmp_path / "items.jsonl"
    file.write_text("{\n")
    load(file)
    load(file)
    assert len((tmp_path / "items.jsonl.rejects.jsonl").read_text().splitlines()) == 1
    file.write_text('{"_id":1}\n')
    load(file)
    assert not (tmp_path / "items.jsonl.rejects.jsonl").exists()


@pytest.mark.parametrize("text", ["[\n  {}\n]\n", '[{"a":\n1}]\n'])
def test_one_json_list_is_another_format(load: Any, tmp_path: Path, documents_of: Documents, text: str) -> None:
    """Every line of it would be bad, so it is said once, with what to do."""
    (tmp_path / "items.json").write_text(text)
    outcome = load(tmp_path / "items.json")
    assert outcome.code == 1
    assert "one JSON list" in outcome.text
    assert "jq -c" in outcome.text
    assert not documents_of("items")


def test_a_file_that_cannot_be_read_is_misuse(load: Any, tmp_path: Path) -> None:
    """Missing, or a folder."""
    assert load(tmp_path / "nothing.jsonl").code == 2
    outcome = load(tmp_path)
    assert outcome.code == 2
    assert "Is a directory" in outcome.text


def test_the_memory_backend_says_that_it_forgets(command: Any) -> None:
    """An import into memory would otherwise look like one that stays."""
    assert "everything is forgotten" in command("import", "items", "-", "-d", "memory", stdin=b"{}\n").err


# --- stopping and going on


def test_an_import_that_was_stopped_goes_on(load: Any, tmp_path: Path, documents_of: Documents, stop: Stop) -> None:
    """Nothing twice, nothing missing, and the summary is of the whole."""
    file = write(tmp_path / "items.jsonl", 2000)
    with file.open("a") as more:
        more.write("{\n")
    with file.open("r+") as start:
        start.write("x")
    stop.at(4)
    stopped = load(file, "--batch-size", "100")
    assert stopped.code == 1
    assert "the server is gone" in stopped.text
    assert "Stopped after line 300" in stopped.text
    assert len(documents_of("items")) == 299
    stop.never()
    resumed = load(file, "--batch-size", "100", "--resume", "--json")
    assert resumed.code == 1
    report = json.loads(resumed.out)
    assert (report["lines"], report["inserted"], report["rejected"]) == (2001, 1999, 2)
    assert len(documents_of("items")) == 1999
    rejects = (tmp_path / "items.jsonl.rejects.jsonl").read_text().splitlines()
    assert [json.loads(line)["line"] for line in rejects] == [1, 2001]
    assert not checkpoint_path(file).exists()


@pytest.mark.parametrize("mode", ["insert", "upsert", "skip"])
@pytest.mark.parametrize("second", ["7", "100", "1000"])
def test_a_batch_that_was_stored_without_a_note_counts_once(
    load: Any, tmp_path: Path, documents_of: Documents, stop: Stop, mode: str, second: str
) -> None:
    """Also for lines without an id, which get the same one again; whatever the size of the next batches."""
    file = tmp_path / "items.jsonl"
    file.write_text("".join(f'{{"n":{n}}}\n' for n in range(500)))
    stop.at(3, after=True)
    assert load(file, "--batch-size", "100", "--mode", mode).code == 1
    assert documents_of("items")
    stop.at(2, after=True)
    resumed = load(file, "--batch-size", second, "--mode", mode, "--resume")
    stop.never()
    if resumed.code:
        resumed = load(file, "--batch-size", "100", "--mode", mode, "--resume")
    assert resumed.code == 0, resumed
    assert sorted(document["n"] for document in documents_of("items").values()) == list(range(500))


def test_a_duplicate_beyond_the_doubtful_lines_is_rejected_after_resuming(
    load: Any, tmp_path: Path, stop: Stop
) -> None:
    """Only what the stopped run may have stored is compared."""
    file = write(tmp_path / "items.jsonl", 50)
    with file.open("a") as more:
        more.write('{"_id":0,"n":0}\n')
    stop.at(2, after=True)
    load(file, "--batch-size", "10")
    stop.never()
    outcome = load(file, "--batch-size", "10", "--resume")
    assert outcome.code == 1
    assert "50 inserted, 1 rejected" in outcome.out


def test_interrupting_leaves_a_checkpoint(
    load: Any, tmp_path: Path, documents_of: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends with 130 and says how to go on."""
    stop = Stop(monkeypatch, KeyboardInterrupt())
    file = write(tmp_path / "items.jsonl", 100)
    stop.at(3, after=True)
    outcome = load(file, "--batch-size", "10")
    assert outcome.code == 130
    assert "Stopped after line 20. Go on with the same command and --resume." in outcome.text
    stop.never()
    assert load(file, "--resume").code == 0
    assert len(documents_of("items")) == 100


def test_a_stopped_import_is_not_begun_again_by_accident(
    load: Any, tmp_path: Path, documents_of: Documents, stop: Stop
) -> None:
    """--resume or --restart must say what is meant, and not both."""
    file = write(tmp_path / "items.jsonl", 30)
    stop.at(2)
    load(file, "--batch-size", "10")
    stop.never()
    outcome = load(file)
    assert outcome.code == 2
    assert "stopped after line 10" in outcome.text
    assert load(file, "--resume", "--restart").code == 2
    assert load(file, "--restart", "--mode", "skip").code == 0
    assert len(documents_of("items")) == 30
    nothing = load(file, "--resume")
    assert nothing.code == 2
    assert "no import of" in nothing.text


def test_an_import_goes_on_only_where_it_was(
    command: Any, load: Any, tmp_path: Path, jsonfiles: Any, stop: Stop
) -> None:
    """The same file, collection and store."""
    file = write(tmp_path / "items.jsonl", 30)
    stop.at(2)
    load(file, "--batch-size", "10")
    stop.never()
    other = command("import", "others", file, "--resume")
    assert other.code == 2
    assert "it went to the collection 'items'" in other.text
    command.options = ["-d", "memory"]
    assert "it went to the store default on held" in command("import", "items", file, "--resume").text
    command.options = ["-d", "held"]
    write(file, 29)
    assert "the file has changed since" in load(file, "--resume").text


@pytest.mark.parametrize(
    "change",
    [
        lambda data: "{",
        lambda data: "[]",
        lambda data: json.dumps({**data, "offset": -1}),
        lambda data: json.dumps({**data, "line": "3"}),
        lambda data: json.dumps({**data, "format": 2}),
        lambda data: json.dumps({**data, "extra": 1}),
        lambda data: json.dumps({**data, "counts": {}, "key": None}),
    ],
)
def test_a_damaged_checkpoint_is_said(load: Any, tmp_path: Path, stop: Stop, change: Any) -> None:
    """With the way out."""
    file = write(tmp_path / "items.jsonl", 30)
    stop.at(2)
    load(file, "--batch-size", "10")
    stop.never()
    path = checkpoint_path(file)
    path.write_text(change(json.loads(path.read_text())))
    outcome = load(file, "--resume")
    assert outcome.code == 1
    assert "cannot be used" in outcome.text
    assert "--restart" in outcome.text
    assert load(file, "--restart", "--mode", "skip").code == 0


def test_a_checkpoint_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """Whatever stands in its place."""
    (tmp_path / "x.checkpoint.json").mkdir()
    with pytest.raises(NoSQLError, match="cannot be used"):
        Checkpoint.load(tmp_path / "x.checkpoint.json")


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_loaded(
    load: Any, tmp_path: Path, documents_of: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first checkpoint is written before the first document."""
    file = write(tmp_path / "items.jsonl", 10)

    def refuse(self: Any, path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Checkpoint, "save", refuse)
    outcome = load(file)
    assert outcome.code == 1
    assert "items.jsonl.checkpoint.json: Permission denied" in outcome.text
    assert not documents_of("items")


def test_gzip_goes_on_where_it_stopped(load: Any, tmp_path: Path, documents_of: Documents, stop: Stop) -> None:
    """The place is one of the text, not of the compressed file."""
    file = tmp_path / "items.jsonl.gz"
    file.write_bytes(gzip.compress(b"".join(b'{"_id":%d}\n' % n for n in range(300))))
    stop.at(2)
    load(file, "--batch-size", "100")
    stop.never()
    assert load(file, "--resume").code == 0
    assert len(documents_of("items")) == 300


def test_a_lost_file_of_bad_lines_does_not_stop_an_import(load: Any, tmp_path: Path, stop: Stop) -> None:
    """Somebody tidied up between stop and resumption."""
    file = tmp_path / "items.jsonl"
    file.write_text("{\n" + "".join(f'{{"_id":{n}}}\n' for n in range(30)) + "{\n")
    stop.at(2)
    load(file, "--batch-size", "10")
    stop.never()
    (tmp_path / "items.jsonl.rejects.jsonl").unlink()
    assert load(file, "--resume").code == 1
    assert len((tmp_path / "items.jsonl.rejects.jsonl").read_text().splitlines()) == 1


# --- memory and progress


class Counted(io.RawIOBase):
    """Standard input that makes its lines when they are asked for."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.made = 0
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while len(self._rest) < len(buffer) and self.made < self.count:
            self._rest += b'{"_id":%d,"text":"%s"}\n' % (self.made, b"x" * 100)
            self.made += 1
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def test_fifty_thousand_lines_are_never_held_together(load: Any, held: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is read, no more than a batch and a buffer has not been stored."""
    source = Counted(50_000)
    most = 0
    real = MemoryCollection.insert

    async def insert(collection: Any, documents: Any, ordered: bool, call: Any) -> Any:
        nonlocal most
        stored = len(held.existing("items").documents) if held.existing("items") else 0
        most = max(most, source.made - stored)
        assert len(documents) <= 500
        return await real(collection, documents, ordered, call)

    monkeypatch.setattr(MemoryCollection, "insert", insert)
    outcome = load("-", "--batch-size", "500", stdin=io.BufferedReader(source, 4096))
    assert outcome.code == 0
    assert len(held.existing("items").documents) == 50_000
    assert 500 <= most <= 600


def test_large_documents_make_smaller_batches(load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch ends after some megabytes, however few documents that is."""
    sizes: list[int] = []
    real = MemoryCollection.insert

    async def insert(collection: Any, documents: Any, ordered: bool, call: Any) -> Any:
        sizes.append(len(documents))
        return await real(collection, documents, ordered, call)

    monkeypatch.setattr(MemoryCollection, "insert", insert)
    file = tmp_path / "items.jsonl"
    with file.open("w") as lines:
        for number in range(30):
            lines.write(json.dumps({"_id": number, "x": "x" * 1_000_000}) + "\n")
    assert load(file).code == 0
    assert max(sizes) <= 9
    assert sum(sizes) == 30


def test_a_terminal_sees_progress(load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents, rate and how far; a pipe and --no-progress see none."""
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr("lexigram.nosql.cli.progress.console", lambda **options: terminal)
    file = write(tmp_path / "items.jsonl", 5000)
    assert load(file).code == 0
    assert "import items" in out.getvalue()
    assert "5,000 documents" in out.getvalue()
    assert "100%" in out.getvalue()
    seen = len(out.getvalue())
    load(file, "--no-progress", "--mode", "skip")
    load(file, "--json", "--mode", "skip")
    assert len(out.getvalue()) == seen


def test_progress_counts_what_an_earlier_run_did() -> None:
    """The rate is of this run only."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120, color_system=None)
    with ProgressBar("x", None, before=100, out=console) as bar:
        bar.update(10, 100)
    assert "100 documents, 0/s" in out.getvalue()


async def test_an_importer_can_be_used_without_a_command(held: Any, tmp_path: Path) -> None:
    """Without a place for the checkpoint and without progress."""
    from lexigram.nosql.backend import BACKENDS
    from lexigram.nosql.cli.importing import RejectFile
    from lexigram.nosql.cli.reports import ImportMode
    from lexigram.nosql.store import DocumentStore

    file = tmp_path / "in.jsonl"
    await asyncio.to_thread(file.write_text, '{"_id":1}\n')
    reader = await asyncio.to_thread(LineReader, file)
    async with DocumentStore(BACKENDS.load("held")) as store:
        importer = Importer(
            store.collection("items"),
            reader,
            mode=ImportMode.INSERT,
            batch_size=10,
            checkpoint=Checkpoint(input="", collection="items", store="held"),
            rejects=RejectFile(tmp_path / "bad.jsonl"),
        )
        assert (await importer.run()).inserted == 1
    reader.close()


def test_a_line_with_a_key_twice_is_bad(load: Any, tmp_path: Path, documents_of: Documents) -> None:
    """One of the values would be lost; the other lines are loaded."""
    file = tmp_path / "d.jsonl"
    file.write_text('{"_id": 1, "a": {"b": 1, "b": 1}}\n{"_id": 2}\n', encoding="utf-8")

    outcome = load(file)

    assert outcome.code == 1
    assert list(documents_of("items")) == [2]
    (bad,) = (tmp_path / "d.jsonl.rejects.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(bad)["reason"] == "not JSON: the key 'b' stands twice in one object"


@pytest.mark.parametrize("options", [(), ("--restart",), ("--resume",)], ids=["plain", "restart", "resume"])
def test_a_folder_cannot_be_loaded(load: Any, options: tuple[str, ...]) -> None:
    """The command says so, and shows no traceback."""
    outcome = load(".", *options)

    assert outcome.code == 2
    assert "Invalid value for FILE: .: Is a directory." in outcome.text


def test_an_import_that_was_never_begun_cannot_be_resumed_and_is_not_said_to(
    load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store could not even be reached, so there is no checkpoint."""
    file = write(tmp_path / "d.jsonl", 3)

    async def refuse(*_: Any) -> None:
        raise NoSQLConnectionError("nobody answers")

    monkeypatch.setattr("lexigram.nosql.store.DocumentStore.connect", refuse)
    outcome = load(file)

    assert outcome.code == 1
    assert "nobody answers" in outcome.text
    assert "--resume" not in outcome.text
    assert not checkpoint_path(file).exists()

"""``lexigram nosql backends``, ``ping``, ``collections``, ``indexes``, ``drop``, and options that commands share."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from lexigram.cli import app
from lexigram.config import LexigramConfig
from lexigram.contracts.core.health import HealthStatus
from lexigram.nosql.backend import API, BACKENDS, BackendConfig, BackendSpec, Capabilities, IndexFile
from lexigram.nosql.backends.memory.spec import SPEC as MEMORY
from lexigram.nosql.cli.features import load_features
from lexigram.nosql.doctor import check
from lexigram.nosql.testing.features import FEATURES
from typer.testing import CliRunner


def distribution(folder: Path, name: str, entries: str) -> None:
    """Write an installed distribution with entry points."""
    info = folder / f"{name.replace('-', '_')}-2.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.5\n")
    (info / "entry_points.txt").write_text(f"[lexigram.nosql.backends]\n{entries}\n")


@pytest.fixture
def plugins(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path where distributions can be put."""
    folder = tmp_path_factory.mktemp("site")
    monkeypatch.syspath_prepend(folder)
    return folder


def test_backends_are_listed_with_distribution_and_version(command: Any, plugins: Path) -> None:
    """Broken ones are shown with the cause, and spoil nothing."""
    distribution(plugins, "acme-broken", "acmedb = acme_missing_module:SPEC")
    distribution(plugins, "acme-wrong", "wrongdb = json:dumps")
    outcome = command("backends")
    assert outcome.code == 0
    lines = {line.split()[0]: line for line in outcome.out.splitlines()}
    assert lines["memory"].split()[1:3] == ["lexigram-nosql-core", version("lexigram-nosql-core")]
    assert "transactions" in lines["memory"]
    assert "acme-broken" in lines["acmedb"]
    assert "2.5" in lines["acmedb"]
    assert "No module named 'acme_missing_module'" in lines["acmedb"]
    assert "takes BackendSpec" in lines["wrongdb"]


def test_a_backend_for_another_contract_is_refused_by_name(command: Any, plugins: Path) -> None:
    """The list says which side to upgrade."""
    (plugins / "acme_newer.py").write_text(
        "from dataclasses import replace\n"
        "from lexigram.nosql.backends.memory.spec import SPEC as MEMORY\n"
        f"SPEC = replace(MEMORY, name='newer', api={API + 1})\n"
    )
    distribution(plugins, "acme-newer", "newer = acme_newer:SPEC")
    assert "upgrade lexigram-nosql-core" in command("backends").out


def test_features_are_a_table_of_what_was_observed(command: Any, jsonfiles: BackendSpec, plugins: Path) -> None:
    """One row each, one column for each backend that works: what the conformance kit observed, or what is declared."""
    distribution(plugins, "acme-broken", "acmedb = acme_missing_module:SPEC")
    distribution(plugins, "acme-unseen", "unseen = lexigram.nosql.testing.minimal:SPEC")
    outcome = command("backends", "--features")
    header, *lines = (re.split(r"\s{2,}", line.strip()) for line in outcome.out.splitlines())
    rows = {line[0]: dict(zip(header[1:], line[1:], strict=True)) for line in lines}
    assert header[0] == "Feature"
    assert {"jsonfiles", "memory", "unseen"} <= set(header)
    shown = {name: [rows[name][backend] for backend in ("jsonfiles", "memory", "unseen")] for name in rows}
    assert shown["Transactions"] == ["not offered", "native", "not offered"]
    assert shown["Filters"] == ["by the engine", "native", "not observed"]
    assert shown["Deepest nesting"] == ["100 levels", "100 levels", "100"]
    assert "acmedb is broken" in outcome.err
    assert "unseen: as declared, not observed" in outcome.err
    assert re.search(r"memory: observed on lexigram-nosql-core \d", outcome.err)


def test_every_observed_cell_has_a_row() -> None:
    """What is shipped was written for the rows that are shown."""
    shipped = load_features()
    names = [row["name"] for row in shipped.rows]
    assert names == [feature.name for feature in FEATURES]
    assert {"memory", "jsonfiles"} <= set(shipped.backends)
    assert all(list(column["cells"]) == names for column in shipped.backends.values())


def test_backends_as_json(command: Any, jsonfiles: BackendSpec) -> None:
    """Everything that is known, for programs."""
    listed = {backend["name"]: backend for backend in json.loads(command("backends", "--json").out)}
    assert listed["memory"]["capabilities"]["transactions"] is True
    assert listed["memory"]["error"] is None
    assert listed["jsonfiles"]["distribution"] == "acme-lexigram-jsonfiles"
    assert listed["jsonfiles"]["version"] is None


def test_listing_backends_imports_no_sdk() -> None:
    """In a process of its own: neither an SDK nor a driver is loaded."""
    program = (
        "import sys\n"
        "from lexigram.cli import app\n"
        "from typer.testing import CliRunner\n"
        "result = CliRunner().invoke(app, ['nosql', 'backends', '--features'])\n"
        "assert result.exit_code == 0, result.output\n"
        "print(*sorted(sys.modules))\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert not {name.partition(".")[0] for name in loaded} & {"motor", "pymongo", "aioboto3", "botocore", "grpc"}
    assert "google.cloud.firestore" not in loaded
    assert "lexigram.nosql.backends.memory.spec" in loaded
    assert "lexigram.nosql.backends.memory.driver" not in loaded


def test_the_list_of_commands_needs_no_engine() -> None:
    """Help appears without the engine's modules."""
    program = (
        "import sys\n"
        "from lexigram.cli import app\n"
        "from typer.testing import CliRunner\n"
        "result = CliRunner().invoke(app, ['nosql', '--help'])\n"
        "assert 'migrate' in result.output, result.output\n"
        "assert 'lexigram.nosql.query.parse' not in sys.modules\n"
        "assert 'lexigram.nosql.store' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_ping_says_how_fast_and_what_answers(command: Any, jsonfiles: BackendSpec, tmp_path: Path) -> None:
    """Latency and the backend's own facts; exit code 0."""
    command.configure(f"  driver: jsonfiles\n  jsonfiles: {{folder: {tmp_path / 'db'}}}\n")
    outcome = command("ping")
    assert outcome.code == 0
    assert "jsonfiles ok" in outcome.text
    assert " ms " in outcome.text
    assert f"folder: {tmp_path / 'db'}" in outcome.text


def test_ping_asks_every_store(command: Any, jsonfiles: BackendSpec, tmp_path: Path) -> None:
    """One that fails makes the exit code 1; one can be asked alone."""
    (tmp_path / "file").write_text("")
    command.configure(
        "  backends:\n"
        "    - {name: main, primary: true, driver: memory}\n"
        f"    - {{name: files, driver: jsonfiles, jsonfiles: {{folder: {tmp_path / 'file'}}}}}\n"
    )
    outcome = command("ping")
    assert outcome.code == 1
    rows = {line.split()[0]: line for line in outcome.out.splitlines()}
    assert " ok " in rows["main"]
    assert " failed " in rows["files"]
    assert command("ping", "--store", "main").code == 0
    assert command("ping", "-s", "files").code == 1
    answers = json.loads(command("ping", "--json").out)
    assert [(answer["component"], answer["status"]) for answer in answers] == [
        ("nosql:main", "healthy"),
        ("nosql:files", "unhealthy"),
    ]


def test_ping_does_not_wait_for_ever(command: Any) -> None:
    """A connection that hangs is a failure after the given time."""

    async def hang(config: Any) -> Any:
        await asyncio.Event().wait()

    undo = BACKENDS.register(
        "hanging",
        BackendSpec(
            name="hanging",
            api=API,
            config=BackendConfig,
            capabilities=Capabilities(),
            connect=hang,
            distribution="acme",
        ),
    )
    try:
        outcome = command("ping", "-d", "hanging", "--timeout", "0.02")
    finally:
        undo()
    assert outcome.code == 1
    assert "no connection within 0.02 s" in outcome.text


def test_collections_and_indexes_are_listed(command: Any, held: Any) -> None:
    """Names, counts, keys and options; as tables and as JSON."""
    command.options = ["-d", "held"]
    command("import", "items", "-", stdin=b'{"_id":1,"n":1}\n{"_id":2,"n":2}\n')
    command("import", "users", "-", stdin=b'{"_id":1}\n')
    assert command("collections").out.split() == ["Collection", "items", "users"]
    assert command("collections", "--count").out.split() == ["Collection", "Documents", "items", "2", "users", "1"]
    assert json.loads(command("collections", "--json").out) == [{"name": "items"}, {"name": "users"}]
    assert json.loads(command("collections", "--json", "--count").out)[0] == {"name": "items", "documents": 2}
    (command.folder / "unique_pair.py").write_text(
        "from lexigram.nosql import CreateIndex\n"
        "migrations = [CreateIndex('items', [('n', 1), ('m', -1)], unique=True)]\n"
    )
    assert command("migrate", "up", "-m", "unique_pair").code == 0
    listed = command("indexes", "items").out
    assert "n_1_m_-1" in listed
    assert "n 1, m -1" in listed
    assert '{"unique":true}' in listed
    assert [index["name"] for index in json.loads(command("indexes", "items", "--json").out)] == ["_id_", "n_1_m_-1"]


def test_drop_asks_first(held: Any, command: Any) -> None:
    """No leaves everything, yes removes it, --yes does not ask, a missing collection is told."""
    command("import", "items", "-", "-d", "held", stdin=b'{"_id":1}\n')
    runner = CliRunner()
    refused = runner.invoke(app, ["nosql", "drop", "items", "-d", "held"], input="n\n")
    assert refused.exit_code == 1
    assert "Remove 'items' with about 1 documents?" in refused.output
    assert len(held.native["items"]) == 1
    assert runner.invoke(app, ["nosql", "drop", "items", "-d", "held"], input="y\n").exit_code == 0
    assert "items" not in held.native
    command("import", "items", "-", "-d", "held", stdin=b'{"_id":1}\n')
    assert command("drop", "items", "-y", "-d", "held").out == "items is removed.\n"
    missing = command("drop", "items", "-d", "held")
    assert (missing.code, missing.err) == (0, "There is no collection 'items'.\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["ping", "-d", "memroy"], 1, "no 'memroy' in group 'lexigram.nosql.backends'"),
        (["ping", "-d", "couchdb"], 1, "no 'couchdb' in group"),
        (["ping", "-c", "missing.yaml"], 1, "there is no configuration file missing.yaml"),
        (["ping", "-s", "main"], 1, "no store is called 'main'"),
        (["find", "items", "-d", "memory", "-f", "{"], 2, "Invalid value for --filter: not JSON"),
        (["find", "items", "-d", "memory", "-f", "[1]"], 2, "is no JSON object"),
        (["find", "items", "-d", "memory", "-f", '{"a": {"$date": 1.5e400}}'], 2, "malformed Extended JSON"),
        (["find", "items", "-d", "memory", "-f", '{"a": {"$gtt": 1}}'], 2, "$gtt"),
        (["find", "items", "-d", "memory", "--sort", "a,,b"], 2, "has an empty name in it"),
        (["find", "items", "-d", "memory", "--sort", '{"a": 5}'], 2, "5"),
        (["find", "items", "-d", "memory", "--projection", "a,-b"], 2, "LEX_ERR_NOSQL_014"),
        (["find", "items", "-d", "memory", "-n", "-1"], 2, "--limit"),
        (["find", "$items", "-d", "memory"], 1, "cannot be the name of a collection"),
        (["explain", "items", "-d", "memory", "--operation", "fly"], 2, "no plan for 'fly'"),
        (["explain", "items", "-d", "memory", "--operation", "update_one", "--run"], 2, "only a find can be run"),
        (["find"], 2, "Missing argument"),
    ],
)
def test_errors_are_one_clear_block(command: Any, arguments: list[str], code: int, message: str) -> None:
    """1 for what went wrong, 2 for what was written wrongly, and never a traceback."""
    outcome = command(*arguments)
    assert outcome.code == code
    assert message in outcome.text
    assert outcome.out == ""
    assert "Traceback" not in outcome.err


def test_a_disabled_section_is_said(command: Any) -> None:
    """--driver overrides it."""
    command.configure("  enabled: false\n  driver: memory\n")
    assert "nosql.enabled: false" in command("collections").text
    assert command("collections", "-d", "memory").code == 0


def test_a_malformed_configuration_is_said(command: Any) -> None:
    """With the key and the file."""
    command.configure("  driver: memory\n  memory: {chnage_history: 5}\n")
    outcome = command("collections")
    assert outcome.code == 1
    assert "chnage_history" in outcome.text
    assert "application.yaml" in outcome.text


def test_driver_takes_its_own_section_of_the_chosen_store(command: Any, jsonfiles: Any, tmp_path: Path) -> None:
    """--driver replaces the name; the section that stands under that name is used."""
    command.configure(f"  driver: memory\n  jsonfiles: {{folder: {tmp_path / 'elsewhere'}}}\n")
    assert command("import", "items", "-", "-d", "jsonfiles", stdin=b"{}\n").code == 0
    assert (tmp_path / "elsewhere" / "items").is_dir()


def test_toml_and_profiles_are_read(command: Any, tmp_path: Path, jsonfiles: Any) -> None:
    """--config takes both formats, --profile lays its file over it."""
    toml = tmp_path / "other.toml"
    toml.write_text(f'[nosql]\ndriver = "jsonfiles"\n[nosql.jsonfiles]\nfolder = "{tmp_path / "a"}"\n')
    (tmp_path / "other.test.toml").write_text(f'[nosql.jsonfiles]\nfolder = "{tmp_path / "b"}"\n')
    assert str(tmp_path / "a") in command("ping", "-c", toml).out
    assert str(tmp_path / "b") in command("ping", "-c", toml, "-p", "test").out


# --- the doctor


def test_the_doctor_asks_every_store(jsonfiles: BackendSpec, tmp_path: Path) -> None:
    """A store that answers, one that cannot be reached, and one without its backend."""
    (tmp_path / "file").write_text("")
    config = LexigramConfig.from_dict(
        {
            "nosql": {
                "backends": [
                    {"name": "main", "primary": True, "driver": "memory"},
                    {"name": "files", "driver": "jsonfiles", "jsonfiles": {"folder": str(tmp_path / "file")}},
                    {"name": "gone", "driver": "nosuchdb"},
                ]
            }
        }
    )
    results = {result.component: result for result in asyncio.run(check(config))}
    assert results["nosql:main"].status is HealthStatus.HEALTHY
    assert results["nosql:files"].status is HealthStatus.UNHEALTHY
    assert results["nosql:gone"].error == "LEX_ERR_PLUGIN_002"


@pytest.mark.parametrize("section", [{}, {"nosql": {"enabled": False}}])
def test_the_doctor_has_nothing_to_ask_where_nothing_is_configured(section: dict[str, Any]) -> None:
    """An application without documents is not ill."""
    assert asyncio.run(check(LexigramConfig.from_dict(section))) == []


def made_for(config: Any, existing: str | None) -> IndexFile:
    """An index file that keeps what is there."""
    return IndexFile("seen.indexes", f"{existing or ''}one more\n", 1)


@pytest.fixture
def seeing() -> Iterator[None]:
    """A backend whose indexes are made by tools of its service."""
    undo = BACKENDS.register("seeing", replace(MEMORY, name="seeing", index_file=made_for))
    yield
    undo()


@pytest.mark.usefixtures("seeing")
def test_without_a_collection_indexes_writes_the_file_of_the_services_tools(command: Any, tmp_path: Path) -> None:
    """Under its usual name or another one, or to standard output; what is there is kept."""
    chosen = tmp_path / "chosen.json"
    chosen.write_text("held\n")
    assert command("indexes", "--driver", "seeing", "--output", chosen).code == 0
    assert chosen.read_text() == "held\none more\n"
    assert command("indexes", "--driver", "seeing", "--output", "-").out == "one more\n"
    outcome = command("indexes", "--driver", "seeing", "--json")
    assert json.loads(outcome.out) == {"file": "seen.indexes", "seen": 1}
    assert Path("seen.indexes").read_text() == "one more\n"


@pytest.mark.usefixtures("seeing")
def test_indexes_without_a_collection_needs_such_a_backend(command: Any, tmp_path: Path) -> None:
    """Memory makes its indexes itself; a list goes to standard output; a folder is no file."""
    assert command("indexes").code == 2
    assert command("indexes", "things", "--output", "x.json").code == 2
    assert command("indexes", "--driver", "seeing", "--output", tmp_path).code == 2


async def made_right(store: Any, collection: str, index: str | None) -> list[dict[str, Any]]:
    """Report how many documents a collection holds, for an index."""
    return [{"index": index or "all", "documents": await store.collection(collection).count_documents()}]


@pytest.fixture
def keeping() -> Iterator[None]:
    """A backend that keeps indexes itself."""
    undo = BACKENDS.register("keeping", replace(MEMORY, name="keeping", rebuild_indexes=made_right))
    yield
    undo()


@pytest.mark.usefixtures("keeping")
def test_indexes_are_made_right_by_the_backend(command: Any) -> None:
    """Of a connected store, all or one; the reports are shown."""
    assert command("rebuild-indexes", "items", "--driver", "keeping").out == "all: documents 0\n"
    outcome = command("rebuild-indexes", "items", "--driver", "keeping", "--index", "n_1", "--json")
    assert json.loads(outcome.out) == [{"index": "n_1", "documents": 0}]


def test_there_is_nothing_to_make_right_where_the_service_keeps_indexes(command: Any) -> None:
    """The refusal is a misuse of the command."""
    assert command("rebuild-indexes", "items", "--driver", "memory").code == 2

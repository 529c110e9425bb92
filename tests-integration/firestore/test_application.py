"""Firestore in an application: by driver, by name, and as the package's README shows it."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Annotated, Any

import pytest
from lexigram import Application
from lexigram.contracts.core.health import HealthStatus
from lexigram.contracts.data.nosql.nosql import DocumentStoreProtocol
from lexigram.di import Named
from lexigram.nosql import NoSQLConfig, NoSQLModule
from lexigram.nosql.backends.firestore import FirestoreConfig
from servers import Server

README = Path(__file__).parents[2] / "packages" / "lexigram-nosql-firestore" / "README.md"

pytestmark = pytest.mark.allow_blocking("an application looks for plugins while it starts")


def section(server: Server) -> dict[str, Any]:
    return {"project_id": f"app-{uuid.uuid4().hex[:12]}", "emulator_host": server.endpoint}


async def test_the_driver_is_chosen_by_its_name(firestore_server: Server) -> None:
    module = NoSQLModule.configure({"driver": "firestore", "firestore": section(firestore_server)})
    async with Application.boot(modules=[module]) as app:
        store = await app.container.resolve(DocumentStoreProtocol)
        await store.collection("things").insert_one({"_id": 1})
        assert await store.collection("things").find_one({"_id": 1}) == {"_id": 1}
        assert (await store.health_check()).status is HealthStatus.HEALTHY


async def test_named_backends_stand_beside_each_other(firestore_server: Server) -> None:
    backends = [
        {"name": "main", "primary": True, "driver": "firestore", "firestore": section(firestore_server)},
        {"name": "archive", "driver": "firestore", "firestore": section(firestore_server)},
        {"name": "scratch", "driver": "memory"},
    ]
    async with Application.boot(modules=[NoSQLModule.configure({"backends": backends})]) as app:
        resolve = app.container.resolve
        main = await resolve(DocumentStoreProtocol)
        archive = await resolve(Annotated[DocumentStoreProtocol, Named("archive")])
        await main.collection("things").insert_one({"_id": 1})
        assert await archive.collection("things").count_documents() == 0
        assert await resolve(Annotated[DocumentStoreProtocol, Named("main")]) is main


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


def test_the_readmes_example_runs(
    firestore_server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_server.endpoint)
    (example,) = blocks("python")
    code = example.replace('"shop"', f'"readme-{uuid.uuid4().hex[:12]}"')
    exec(compile(code, str(README), "exec"), {"__name__": "readme"})
    told = capsys.readouterr().out
    assert "sku_1 {'sku': 'ABC'}" in told
    assert "'_id': 'users/ada/orders/" in told
    assert "required int" in told


def test_the_readmes_section_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks("yaml")
    file = tmp_path / "application.yaml"
    file.write_text(example)
    monkeypatch.setenv("FIRESTORE_KEY", '{"type": "service_account"}')
    _, config = NoSQLConfig.from_yaml(file).backend()
    assert isinstance(config, FirestoreConfig)
    assert (config.project_id, config.database_id) == ("shop", "(default)")
    assert config.credentials_json is not None
    assert config.credentials_json.get_secret_value() == '{"type": "service_account"}'

"""What the package's README shows runs as it stands there."""

from __future__ import annotations

import asyncio
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from lexigram.nosql.backends.mongodb import MongoDBConfig
from lexigram.nosql.config import NoSQLConfig
from pymongo import MongoClient
from servers import Server

README = Path(__file__).parents[2] / "packages" / "lexigram-nosql-mongodb" / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


def test_the_example_runs(mongodb_server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """On the server at hand, in a database of its own."""
    (example,) = blocks("python")
    database = f"lexigram_readme_{uuid.uuid4().hex[:12]}"
    code = example.replace("mongodb://localhost:27017", mongodb_server.endpoint).replace('"shop"', f'"{database}"')
    names: dict[str, Any] = {"__name__": "readme"}
    try:
        exec(compile(code, str(README), "exec"), names)  # it runs main() at its end
    finally:
        with MongoClient[dict[str, Any]](mongodb_server.endpoint) as client:
            client.drop_database(database)
    told = capsys.readouterr().out

    assert "sku_1 {'sku': 'ABC'}" in told
    assert "update {'_id'" in told
    assert "scan" in told
    assert asyncio.iscoroutinefunction(names["main"])


def test_the_section_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the configuration reads it from a file, with what the environment says."""
    (example,) = blocks("yaml")
    file = tmp_path / "application.yaml"
    file.write_text(example)
    monkeypatch.setenv("MONGODB_URI", "mongodb://db:1234")

    _, config = NoSQLConfig.from_yaml(file).backend()

    assert isinstance(config, MongoDBConfig)
    assert (config.uri, config.client, config.database) == ("mongodb://db:1234", "pymongo", "shop")


def test_every_setting_is_named() -> None:
    """In the table; a family of settings stands by its beginning."""
    text = README.read_text()
    families = ("tls_", "srv_", "server_api")

    missing = [name for name in MongoDBConfig.model_fields if f"`{name}`" not in text and not name.startswith(families)]
    assert missing == []

"""What the package's README shows runs as it stands there."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from dynamodb.conftest import settings_for
from dynamodb.raw import drop_tables
from lexigram.nosql.backends.dynamodb import DynamoDBConfig
from lexigram.nosql.config import NoSQLConfig
from servers import Server

README = Path(__file__).parents[2] / "packages" / "lexigram-nosql-dynamodb" / "README.md"


def _block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_example_runs(either_server: Server, prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings_for(either_server)
    del settings["region"]
    given = ", ".join(f"{name}={value!r}" for name, value in {**settings, "table_name": prefix}.items())
    code = _block("python").replace('table_name="shop"', given)
    names: dict[str, Any] = {"__name__": "readme"}
    try:
        exec(compile(code, str(README), "exec"), names)  # it runs main() at its end
    finally:
        asyncio.run(drop_tables(either_server.endpoint, prefix))
    told = capsys.readouterr().out
    assert told.startswith("sku_1 [{")
    assert "'sku': 'ABC', 'price': 12.5, 'tags': ['new']" in told


def test_the_section_is_valid(tmp_path: Path) -> None:
    file = tmp_path / "application.yaml"
    file.write_text(_block("yaml"))
    _, config = NoSQLConfig.from_yaml(file).backend()
    assert isinstance(config, DynamoDBConfig)
    assert (config.region, config.table_name, config.scan_policy) == ("eu-central-1", "shop", "deny")

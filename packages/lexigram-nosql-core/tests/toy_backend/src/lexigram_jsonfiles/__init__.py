"""A document backend that keeps each document in a JSON file."""

from __future__ import annotations

from pathlib import Path

from lexigram.nosql.backend import API, BackendConfig, BackendSpec, Capabilities
from lexigram.nosql.driver import Driver

__all__ = ["SPEC", "JsonFilesConfig"]


class JsonFilesConfig(BackendConfig):
    """The ``jsonfiles:`` section.

    Attributes:
        folder: Where the documents are.
    """

    folder: Path


async def _connect(config: JsonFilesConfig) -> Driver:
    from lexigram_jsonfiles.driver import JsonFilesDriver

    return await JsonFilesDriver.open(config.folder)


SPEC = BackendSpec(
    name="jsonfiles",
    api=API,
    config=JsonFilesConfig,
    capabilities=Capabilities(),
    connect=_connect,
    distribution="acme-lexigram-jsonfiles",
)

"""What the kernel's tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No variable of the machine reaches the test; gives the way to set some."""
    for name in list(os.environ):
        if name.upper().startswith("LEX_") or name == "APP_ENV":
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def project(tmp_path: Path, clean_environment: pytest.MonkeyPatch) -> Write:
    """An empty folder as the current one; writes files into it: ``project("application.yaml", "debug: true")``."""
    clean_environment.chdir(tmp_path)

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write

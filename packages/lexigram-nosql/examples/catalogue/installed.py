"""Reads the metadata of the Python distributions installed in this environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageMetadata, distributions
from pathlib import Path

from models import InstalledFile, Package, Requirement

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*(?:;(.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")


def normalised(name: str) -> str:
    """A project name as PyPI compares them (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_installed() -> Iterator[tuple[Package, list[InstalledFile]]]:
    """Every distribution once, with its files."""
    seen: set[str] = set()
    for distribution in distributions():
        name = distribution.metadata["Name"]
        if name and normalised(name) not in seen:
            seen.add(normalised(name))
            yield _read(distribution)


def _read(distribution: Distribution) -> tuple[Package, list[InstalledFile]]:
    metadata = distribution.metadata
    identity = normalised(metadata["Name"])
    files = list(_files(distribution, identity))
    package = Package(
        id=identity,
        name=metadata["Name"],
        version=distribution.version,
        summary=metadata.get("Summary") or "",
        license=_license(metadata),
        requires=[found for text in distribution.requires or () if (found := _requirement(text)) is not None],
        file_count=len(files),
        bytes=sum(file.bytes for file in files),
    )
    return package, files


def _files(distribution: Distribution, package: str) -> Iterator[InstalledFile]:
    for path in distribution.files or ():
        try:
            size = Path(str(distribution.locate_file(path))).stat().st_size
        except OSError:
            continue
        text = path.as_posix()
        yield InstalledFile(f"{package}:{text}", package, text, path.suffix, size)


def _requirement(text: str) -> Requirement | None:
    match = _REQUIREMENT.fullmatch(text)
    if match is None:
        return None
    name, specifier, marker = match.groups()
    extra = _EXTRA.search(marker or "")
    return Requirement(normalised(name), specifier.strip(), extra.group(1) if extra else None)


def _license(metadata: PackageMetadata) -> str:
    """The licence: its expression, else its classifier, else the first line of its text."""
    expression = metadata.get("License-Expression")
    if expression:
        return expression
    for classifier in metadata.get_all("Classifier") or ():
        if classifier.startswith("License :: OSI Approved :: "):
            return classifier.rpartition(" :: ")[2]
    text = (metadata.get("License") or "").strip()
    return text.splitlines()[0][:40] if text else "not stated"

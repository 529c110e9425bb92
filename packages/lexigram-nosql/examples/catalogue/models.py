"""What the catalogue is about."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Requirement:
    """Another package that a package needs.

    Attributes:
        name: Its normalised name.
        specifier: The versions that will do, as text; empty for any.
        extra: The extra that needs it; None when it is always needed.
    """

    name: str
    specifier: str = ""
    extra: str | None = None


@dataclass
class Package:
    """One installed Python distribution.

    Attributes:
        id: Its normalised name.
        name: Its name as its author writes it.
        version: The installed version.
        summary: What it is, in a line.
        license: Its licence, as the metadata says.
        requires: What it needs.
        file_count: How many files it installed.
        bytes: Their sizes together, in bytes.
    """

    id: str
    name: str
    version: str
    summary: str
    license: str
    requires: list[Requirement] = field(default_factory=list)
    file_count: int = 0
    bytes: int = 0


@dataclass
class InstalledFile:
    """One file of a distribution.

    Attributes:
        id: Package and path.
        package: The distribution's normalised name.
        path: Where it is, relative to the place of installation.
        suffix: ``.py`` and so on.
        bytes: Its size, in bytes.
    """

    id: str
    package: str
    path: str
    suffix: str
    bytes: int

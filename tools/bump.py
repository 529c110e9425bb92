"""Keep one version for all distributions.

`python tools/bump.py 0.2.0` writes it into every `packages/*/pyproject.toml`, with the requirements between siblings,
and gives the changelog's "Unreleased" entries that heading. `python tools/bump.py --check` only compares; with
`--tag v0.2.0` it also compares with a tag, which is how a release starts.
"""

from __future__ import annotations

import argparse
import datetime
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from workspace import ROOT, packages, requirement_name

__all__ = ["bump", "check", "main"]

_VERSION = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?")
_HEADING = re.compile(r"^## \[(?P<version>[^]]+)\](?P<date> - \d{4}-\d{2}-\d{2})?$", re.MULTILINE)


def check(root: Path = ROOT, *, tag: str | None = None) -> list[str]:
    """Compare versions.

    Args:
        root: The repository.
        tag: A tag that the version must have, such as `v0.2.0`.

    Returns:
        What does not agree, one line each.
    """
    found = packages(root)
    versions = sorted({package.version for package in found})
    faults = [f"versions differ: {', '.join(versions)}"] if len(versions) > 1 else []
    for package in found:
        for text in [*package.requirements, *(text for texts in package.extras.values() for text in texts)]:
            sibling = f"{requirement_name(text)}-".startswith("lexigram-")
            if sibling and not text.endswith(f"~={package.version}"):
                faults.append(f"{package.name} requires {text!r}, not ~={package.version}")
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = [match["version"] for match in _HEADING.finditer(changelog)]
    if headings[:1] != ["Unreleased"]:
        faults.append("CHANGELOG.md does not begin with ## [Unreleased]")
    if tag is not None:
        if f"v{versions[0]}" != tag:
            faults.append(f"the tag is {tag}, the version {versions[0]}")
        if versions[0] not in headings:
            faults.append(f"CHANGELOG.md has no ## [{versions[0]}]")
    return faults


def bump(version: str, root: Path = ROOT, *, today: datetime.date | None = None) -> None:
    """Write a version everywhere.

    Args:
        version: The new version, `major.minor.patch`, with `a1`, `b1` or `rc1` for a release before the release.
        root: The repository.
        today: The date of the changelog's heading; now, in UTC, by default.

    Raises:
        SystemExit: It is not a version, or the changelog has it already.
    """
    if _VERSION.fullmatch(version) is None:
        msg = f"{version!r} is not a version such as 0.2.0 or 0.2.0rc1"
        raise SystemExit(msg)
    changelog = root / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    if version in {match["version"] for match in _HEADING.finditer(text)}:
        msg = f"CHANGELOG.md has {version} already"
        raise SystemExit(msg)
    date = today or datetime.datetime.now(datetime.UTC).date()
    changelog.write_text(
        text.replace("## [Unreleased]\n", f"## [Unreleased]\n\n## [{version}] - {date}\n", 1), encoding="utf-8"
    )
    for package in packages(root):
        file = package.folder / "pyproject.toml"
        text = file.read_text(encoding="utf-8")
        text = re.sub(r'^version = "[^"]+"$', f'version = "{version}"', text, count=1, flags=re.MULTILINE)
        text = re.sub(r"""(["']lexigram[a-z-]*(?:\[[a-z,]+\])?)~=[^"']+""", rf"\1~={version}", text)
        file.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Write or compare versions.

    Args:
        arguments: The command line without the program's name.

    Returns:
        The exit code: 0, or 1 if versions do not agree.
    """
    parser = argparse.ArgumentParser(description="Keep one version for all distributions.")
    parser.add_argument("version", nargs="?", help="the version to write")
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--tag", help="a tag to compare with")
    options = parser.parse_args(arguments)
    if options.version and not (options.check or options.tag):
        bump(options.version)
    elif options.version or not (options.check or options.tag):
        parser.error("give a version, or --check")
    faults = check(tag=options.tag)
    for fault in faults:
        print(fault)
    print(f"versions: {f'{len(faults)} faults' if faults else f'{packages()[0].version} everywhere'}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

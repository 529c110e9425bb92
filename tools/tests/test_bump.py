"""Versions agree, and one command changes all of them."""

from __future__ import annotations

import datetime
from pathlib import Path

import bump
import pytest

CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n"


@pytest.fixture
def released(repository: Path) -> Path:
    """Return a repository with a changelog."""
    (repository / "CHANGELOG.md").write_text(CHANGELOG)
    return repository


def test_versions_agree_in_this_repository() -> None:
    """One version for all, siblings required with it."""
    assert bump.check() == []


def test_a_version_is_written_everywhere(released: Path) -> None:
    """Versions, requirements between siblings and the changelog's heading change together."""
    bump.bump("0.2.0", released, today=datetime.date(2026, 1, 2))

    assert bump.check(released, tag="v0.2.0") == []
    core = (released / "packages/lexigram-nosql-core/pyproject.toml").read_text()
    assert "'lexigram~=0.1.0'" not in core
    heading = "## [Unreleased]\n\n## [0.2.0] - 2026-01-02\n\n### Added\n\n- A thing.\n"
    assert heading in (released / "CHANGELOG.md").read_text()


def test_what_does_not_agree_is_told(released: Path) -> None:
    """A version or a requirement changed by hand in one place only is a fault."""
    pyproject = released / "packages/lexigram/pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('version = "0.1.0"', 'version = "0.3.0"'))

    faults = bump.check(released, tag="v0.4.0")

    assert "versions differ: 0.1.0, 0.3.0" in faults
    assert "lexigram requires 'lexigram-contracts~=0.1.0', not ~=0.3.0" in faults
    assert "the tag is v0.4.0, the version 0.1.0" in faults
    assert "CHANGELOG.md has no ## [0.1.0]" in faults


def test_what_is_not_a_version_is_refused(released: Path) -> None:
    """A typo, or a version that the changelog has already, changes nothing."""
    with pytest.raises(SystemExit, match="is not a version"):
        bump.bump("1.0", released)
    bump.bump("0.2.0", released)
    with pytest.raises(SystemExit, match=r"has 0\.2\.0 already"):
        bump.bump("0.2.0", released)

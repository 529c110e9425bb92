"""Planted files and metadata that `check_wheels` must refuse, in wheels that are really built."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import check_wheels
import pytest
from workspace import packages


def faults(repository: Path, dist: Path, *changed: str) -> list[str]:
    """Build the changed distributions of a repository again and check all wheels."""
    for package in packages(repository):
        if package.name in changed:
            for file in dist.glob(f"{package.name.replace('-', '_')}-0*"):
                file.unlink()
            check_wheels.build(package, dist)
    return check_wheels.check([check_wheels.read_wheel(file) for file in sorted(dist.glob("*.whl"))])


@pytest.fixture(scope="session")
def faultless(tmp_path_factory: pytest.TempPathFactory, write_repository: Callable[[Path], Path]) -> Path:
    """Build a repository in order, once."""
    folder = tmp_path_factory.mktemp("faultless")
    for package in packages(write_repository(folder)):
        check_wheels.build(package, folder / "dist")
    return folder / "dist"


@pytest.fixture
def dist(tmp_path: Path, faultless: Path) -> Path:
    """Return a folder with the wheels and sdists of a repository in order."""
    return shutil.copytree(faultless, tmp_path / "dist")


def test_wheels_in_order_have_no_fault(repository: Path, dist: Path) -> None:
    """Only the kernel ships lexigram/__init__.py, only the core lexigram/nosql/__init__.py, markers stay behind."""
    assert faults(repository, dist) == []


def test_a_second_init_is_a_fault(repository: Path, dist: Path) -> None:
    """A sibling that ships lexigram/__init__.py would break whoever installs it last."""
    (repository / "packages/lexigram-contracts/src/lexigram/__init__.py").write_text("")

    found = faults(repository, dist, "lexigram-contracts")

    wheel, kernel = "lexigram_contracts-0.1.0-py3-none-any.whl", "lexigram-0.1.0-py3-none-any.whl"
    assert f"{wheel}: lexigram/__init__.py is in {kernel} too" in found
    assert f"{wheel}: lexigram/__init__.py is shipped by lexigram only" in found


def test_an_init_in_backends_is_a_fault(repository: Path, dist: Path) -> None:
    """lexigram.nosql.backends is shared by all backends, so none may make it its own."""
    (repository / "packages/lexigram-nosql-toy/src/lexigram/nosql/backends/__init__.py").write_text("")

    found = faults(repository, dist, "lexigram-nosql-toy")

    assert "lexigram_nosql_toy-0.1.0-py3-none-any.whl: lexigram/nosql/backends/__init__.py is never shipped" in found


@pytest.mark.parametrize(
    ("remove", "message"),
    [
        ("lexigram/src/lexigram/__init__.py", "lexigram/__init__.py is missing"),
        ("lexigram-contracts/src/lexigram/contracts/py.typed", "lexigram/contracts/py.typed is missing"),
        ("lexigram-nosql-toy/src/lexigram/nosql/backends/toy/py.typed", "backends/toy/py.typed is missing"),
        ("lexigram-contracts/src/lexigram/contracts/__init__.py", "contracts/ holds modules but no __init__.py"),
    ],
)
def test_a_missing_file_is_a_fault(repository: Path, dist: Path, remove: str, message: str) -> None:
    """What type checkers and imports need must be there."""
    (repository / "packages" / remove).unlink()

    assert any(message in fault for fault in faults(repository, dist, remove.partition("/")[0]))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("lexigram/contracts/tests/__init__.py", "is for the repository, not for a wheel (tests)"),
        ("lexigram/contracts/test_x.py", "is a test"),
        ("lexigram/contracts/conftest.py", "is a test"),
        ("lexigram/nosql/__init__.pyi", "is a marker for type checkers"),
    ],
)
def test_a_file_too_many_is_a_fault(repository: Path, dist: Path, path: str, message: str) -> None:
    """Tests and markers stay in the repository."""
    file = repository / "packages/lexigram-contracts/src" / path
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_text("")

    assert any(message in fault for fault in faults(repository, dist, "lexigram-contracts"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('license = "MIT"\n', "", "the licence is missing"),
        ('license-files = ["LICENSE"]\n', "license-files = []\n", "the licence is missing"),
        ('readme = "README.md"\n', "", "the readme is missing"),
        ('requires-python = ">=3.11"\n', "", "requires-python is missing"),
        ('version = "0.1.0"\n', 'version = "0.2.0"\n', "versions differ: lexigram 0.2.0, lexigram-contracts 0.1.0"),
        ("lexigram-contracts~=0.1.0", "lexigram-contracts>=0.1", "siblings are required as ~=0.1.0"),
        (
            "[tool.hatch.build]",
            "[project.scripts]\nx = 'lexigram.gone:main'\n[tool.hatch.build]",
            "names lexigram.gone",
        ),
    ],
)
def test_wrong_metadata_is_a_fault(repository: Path, dist: Path, old: str, new: str, message: str) -> None:
    """Licence, readme, versions, siblings and entry points are read from the built wheel."""
    pyproject = repository / "packages/lexigram/pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace(old, new, 1))

    assert any(message in fault for fault in faults(repository, dist, "lexigram"))


def test_an_sdist_that_gives_another_wheel_is_a_fault(
    repository: Path, dist: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who installs from source gets the same files."""
    pyproject = repository / "packages/lexigram/pyproject.toml"
    text = pyproject.read_text() + '\n[tool.hatch.build.targets.sdist]\nexclude = ["app.py"]\n'
    pyproject.write_text(text)
    monkeypatch.setattr(check_wheels, "packages", lambda: packages(repository))

    code = check_wheels.main(["--build", str(dist)])

    assert code == 1
    expected = "lexigram-0.1.0.tar.gz: another wheel comes out of it; in one of the two only: lexigram/app.py"
    assert expected in capsys.readouterr().out


def test_a_distribution_without_a_wheel_is_a_fault(
    repository: Path,
    dist: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A folder of wheels is complete, and what earlier builds left in it goes."""
    monkeypatch.setattr(check_wheels, "packages", lambda: packages(repository))
    assert check_wheels.main(["--build", str(dist)]) == 0
    (dist / "lexigram_old-0.0.1-py3-none-any.whl").touch()
    shutil.rmtree(repository / "packages/lexigram-nosql-toy")
    assert check_wheels.main(["--build", str(dist)]) == 0
    (dist / "lexigram-0.1.0-py3-none-any.whl").unlink()

    assert check_wheels.main([str(dist)]) == 1
    assert f"no wheel of lexigram in {dist}" in capsys.readouterr().out


def test_a_new_distribution_needs_no_edit(repository: Path, dist: Path, add: Callable[..., Path]) -> None:
    """A folder more under packages/ is built and checked like the others."""
    add(repository, "lexigram-sql", ["lexigram~=0.1.0"], {"lexigram/sql/__init__.py": "", "lexigram/sql/py.typed": ""})

    assert faults(repository, dist, "lexigram-sql") == []

"""Check the direction of imports: `contracts <- lexigram <- nosql-core <- backends`, and `lexigram <- sql`.

Run `python tools/check_layers.py`; it prints one line per fault and exits with 1 if there is any. It reads source
with `ast` and each `pyproject.toml`, imports nothing and needs nothing installed. Stock tools cannot read one import
name that is split over several distributions, which is why this exists. Faults are:

* a distribution requires a sibling that its layer may not know (`ALLOWED`), or siblings require each other in a ring;
* a module imports a sibling distribution that its `pyproject.toml` does not require;
* a module imports a private name (`_x`) of another distribution;
* a module imports a third-party package that is not among its requirements. One that an extra names is allowed where
  a missing package does no harm: inside a function, under `TYPE_CHECKING`, in a `try` that catches `ImportError`, or
  in the sub-package that carries the extra's name (extra `testing`, package `lexigram.nosql.testing`).
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workspace import ROOT, Package, normalise, packages, requirement_name

__all__ = ["ALLOWED", "Fault", "check", "main"]

NAMESPACE = "lexigram"

ALLOWED: dict[str, frozenset[str]] = {
    "lexigram-contracts": frozenset(),
    "lexigram": frozenset({"lexigram-contracts"}),
    "lexigram-nosql-core": frozenset({"lexigram", "lexigram-contracts"}),
    "lexigram-nosql": frozenset({"lexigram-nosql-core"}),
    "lexigram-sql": frozenset({"lexigram", "lexigram-contracts"}),
}
"""Which siblings a distribution may require. A backend, `lexigram-nosql-<name>`, may require the core and below."""

_BACKEND = frozenset({"lexigram", "lexigram-contracts", "lexigram-nosql-core"})

# Import names that are not their distribution's name.
_DISTRIBUTIONS = {
    "bson": {"pymongo"},
    "dotenv": {"python-dotenv"},
    "google": {"google-cloud-firestore", "google-api-core", "google-auth"},
    "grpc": {"grpcio"},
    "gridfs": {"pymongo"},
    "pydantic_core": {"pydantic-core", "pydantic"},  # one release pins the other
    "yaml": {"pyyaml"},
}


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One broken rule.

    Attributes:
        file: The file it is in.
        line: The line, counted from 1.
        message: What is wrong and what to do.
    """

    file: Path
    line: int
    message: str

    def show(self, root: Path) -> str:
        """Return the fault as `path:line: message`.

        Args:
            root: The folder that the path is shown relative to.
        """
        return f"{self.file.relative_to(root)}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class _Import:
    module: str
    names: tuple[str, ...]
    line: int
    guarded: bool


def _is_type_checking(test: ast.expr) -> bool:
    return "TYPE_CHECKING" in {getattr(test, "id", None), getattr(test, "attr", None)}


def _catches_import_error(node: ast.Try | ast.TryStar) -> bool:
    caught = {"ImportError", "ModuleNotFoundError"}
    for handler in node.handlers:
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if any(isinstance(kind, ast.Name) and kind.id in caught for kind in kinds):
            return True
    return False


def _absolute(node: ast.ImportFrom, module: str, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, *([node.module] if node.module else [])])


def _imports(node: ast.AST, module: str, *, is_package: bool, guarded: bool = False) -> Iterator[_Import]:
    """Yield every import below `node`, told apart by whether a missing package would do harm there."""
    match node:
        case ast.Import():
            for alias in node.names:
                yield _Import(alias.name, (), node.lineno, guarded)
            return
        case ast.ImportFrom():
            names = tuple(alias.name for alias in node.names)
            yield _Import(_absolute(node, module, is_package=is_package), names, node.lineno, guarded)
            return
        case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__")):
            if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                yield _Import(node.args[0].value, (), node.lineno, guarded)
        case _:
            pass
    match node:
        case ast.If() if _is_type_checking(node.test):
            safe = node.body
        case ast.Try() | ast.TryStar() if _catches_import_error(node):
            safe = node.body
        case _:
            safe = list[ast.stmt]()
    inside = guarded or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, module, is_package=is_package, guarded=inside or child in safe)


@dataclass(slots=True)
class _Workspace:
    packages: Sequence[Package]
    owners: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        for package in self.packages:
            for name, _ in package.modules():
                self.owners.setdefault(name, package.name)

    def owner(self, module: str) -> str | None:
        """Return the distribution that ships the longest known prefix of a dotted name."""
        parts = module.split(".")
        for end in range(len(parts), 0, -1):
            found = self.owners.get(".".join(parts[:end]))
            if found is not None:
                return found
        return None


def _allowed(name: str) -> frozenset[str] | None:
    if name in ALLOWED:
        return ALLOWED[name]
    return _BACKEND if name.startswith("lexigram-nosql-") else None


def _check_arrows(workspace: _Workspace) -> Iterator[Fault]:
    siblings = {package.name: package for package in workspace.packages}
    graph: dict[str, set[str]] = {}
    for package in workspace.packages:
        file = package.folder / "pyproject.toml"
        required = {requirement_name(text) for text in package.requirements} & siblings.keys()
        graph[package.name] = required
        allowed = _allowed(package.name)
        if allowed is not None:
            for name in sorted(required - allowed):
                message = f"{package.name} may not require {name}: layers point the other way"
                yield Fault(file, 1, message)
    # What is left after taking away, again and again, whatever requires nothing that is left, is a ring.
    while free := {name for name, required in graph.items() if not required & graph.keys()}:
        graph = {name: required for name, required in graph.items() if name not in free}
    # ... and whatever requires one of a ring, but is required by none.
    while outer := graph.keys() - {required for every in graph.values() for required in every}:
        graph = {name: required for name, required in graph.items() if name not in outer}
    for name in sorted(graph):
        ring = ", ".join(sorted(graph[name] & graph.keys()))
        yield Fault(siblings[name].folder / "pyproject.toml", 1, f"{name} is part of a ring of requirements: {ring}")


def _check_first_party(workspace: _Workspace, package: Package, file: Path, found: _Import) -> Iterator[Fault]:
    targets = [f"{found.module}.{name}" for name in found.names if name != "*"] or [found.module]
    required = {requirement_name(text) for text in package.requirements} | {package.name}
    for target in targets:
        owner = workspace.owner(target)
        if owner is None or owner == package.name:
            continue
        if owner not in required:
            message = f"{package.name} imports {target} of {owner}, which its pyproject.toml does not require"
            yield Fault(file, found.line, message)
        private = [part for part in target.split(".") if part.startswith("_") and not part.endswith("__")]
        if private:
            yield Fault(file, found.line, f"{package.name} imports {target}: {private[0]} is private to {owner}")


def _check_third_party(package: Package, module: str, file: Path, found: _Import) -> Iterator[Fault]:
    top = found.module.partition(".")[0]
    if top in sys.stdlib_module_names or not top:
        return
    names = _DISTRIBUTIONS.get(top, {normalise(top)})
    if names & {requirement_name(text) for text in package.requirements}:
        return
    extras = {extra for extra, texts in package.extras.items() if names & {requirement_name(text) for text in texts}}
    if not extras:
        message = f"{package.name} imports {top}, which neither its requirements nor its extras name"
        yield Fault(file, found.line, message)
    elif not found.guarded and not extras & set(module.split(".")):
        message = (
            f"{package.name} imports {top}, which only its extra {', '.join(sorted(extras))} brings: "
            "import it inside a function, or catch ImportError"
        )
        yield Fault(file, found.line, message)


def check(found: Sequence[Package]) -> list[Fault]:
    """Check distributions against the rules of this module.

    Args:
        found: The distributions, all of them: arrows to one that is not given are not seen.

    Returns:
        The faults, sorted by file and line.
    """
    workspace = _Workspace(found)
    faults = set(_check_arrows(workspace))
    for package in found:
        for module, file in package.modules():
            tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
            for item in _imports(tree, module, is_package=file.name == "__init__.py"):
                if item.module == NAMESPACE or item.module.startswith(f"{NAMESPACE}."):
                    faults.update(_check_first_party(workspace, package, file, item))
                else:
                    faults.update(_check_third_party(package, module, file, item))
    return sorted(faults)


def main(arguments: Iterable[str] = ()) -> int:
    """Check the repository, or the one below a folder given as the only argument.

    Args:
        arguments: The command line without the program's name.

    Returns:
        The exit code: 0 if there is no fault, else 1.
    """
    root = Path(next(iter(arguments), ROOT)).resolve()
    found = packages(root)
    faults = check(found)
    for fault in faults:
        print(fault.show(root))
    count = sum(1 for package in found for _ in package.modules())
    verdict = f"{len(faults)} faults" if faults else "every import follows an arrow"
    print(f"layers: {len(found)} distributions, {count} modules, {verdict}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

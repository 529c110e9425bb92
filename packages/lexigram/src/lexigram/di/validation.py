"""The faults of the graph: everything that would go wrong at the first request, found before it, and all at once.

* missing: a service needs one that is not registered, or that another module keeps to itself;
* circular: services need each other;
* captive: a singleton holds a service that lives in a scope, and would keep it beyond the scope's end;
* unreadable: a parameter whose annotation is absent or cannot be read.

Every missing dependency is told once for each service that needs it directly, with one chain that leads there. Of
circles, enough are told that breaking one edge of each leaves none; a circle that shares all its edges with those told
is not told by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lexigram.contracts.core.scopes import ServiceScope
from lexigram.contracts.exceptions.base import LexigramError
from lexigram.contracts.exceptions.container import (
    CircularDependencyError,
    DependencyError,
    ScopedResolutionError,
    UnresolvableDependencyError,
)
from lexigram.di.binding import Binding
from lexigram.di.plan import Plans

__all__ = ["Fault", "find_faults"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        text: It, in one sentence.
        error: The error that a request for the service concerned raises.
    """

    text: str
    error: LexigramError


def find_faults(plans: Plans, roots: Iterable[Binding]) -> list[Fault]:
    """Find the faults in all that *roots* need.

    Args:
        plans: The edges.
        roots: Where to start; the faults are told in the order in which they are met from there.

    Returns:
        The faults.
    """
    order, parents, circles = _walk(plans, list(roots))
    faults: list[Fault] = []
    for binding in order:
        faults += _faulty_arguments(plans, binding, parents)
        faults += _captives(plans, binding)
    faults += [_circular(circle) for circle in circles]
    return faults


def _walk(plans: Plans, roots: list[Binding]) -> tuple[list[Binding], dict[Binding, Binding], list[list[Binding]]]:
    """Walk the graph, depth first.

    Returns:
        The bindings met, for each the one through which it was met first, and a circle for each edge that leads back.
    """
    met: dict[Binding, None] = {}
    parents: dict[Binding, Binding] = {}
    circles: list[list[Binding]] = []
    for root in roots:
        if root in met:
            continue
        met[root] = None
        path: dict[Binding, Iterator[Binding]] = {root: iter(plans.targets(root))}
        while path:
            binding, targets = next(reversed(path.items()))
            for target in targets:
                if target in path:
                    trail = list(path)
                    circles.append([*trail[trail.index(target) :], target])
                elif target not in met:
                    met[target] = None
                    parents[target] = binding
                    path[target] = iter(plans.targets(target))
                    break
            else:
                del path[binding]
    return list(met), parents, circles


def _chain(binding: Binding, parents: dict[Binding, Binding]) -> tuple[str, ...]:
    """Who needs *binding*, outermost first, itself last."""
    chain = [binding]
    while chain[-1] in parents:
        chain.append(parents[chain[-1]])
    return tuple(str(b) for b in reversed(chain))


def _faulty_arguments(plans: Plans, binding: Binding, parents: dict[Binding, Binding]) -> Iterator[Fault]:
    for argument in plans.of(binding):
        error = argument.fault
        if error is None:
            continue
        chain = _chain(binding, parents)
        where = " -> ".join(chain)
        if type(error) is DependencyError:
            yield Fault(error.message, error)
            continue
        text = f"{where}: {error.message} (parameter {argument.dependency.parameter!r} of {binding.source})"
        raised = type(error)(text, **_context(error))
        if isinstance(raised, UnresolvableDependencyError) and isinstance(error, UnresolvableDependencyError):
            raised.dependency, raised.chain = error.dependency, (*chain, str(error.dependency))
        yield Fault(text, raised)


def _context(error: LexigramError) -> dict[str, Any]:
    """What to hand to another error of the same class, so that it tells the same."""
    own = {k: v for k, v in vars(error).items() if k not in {"message", "details", "hint", "dependency", "chain"}}
    return {"hint": error.hint, "details": error.details, **own}


def _captives(plans: Plans, binding: Binding) -> Iterator[Fault]:
    if binding.lifetime is not ServiceScope.SINGLETON:
        return
    for target in plans.targets(binding):
        if not plans.needs_scope(target):
            continue
        trail = [binding, target]
        while trail[-1].lifetime is not ServiceScope.SCOPED:
            trail.append(next(t for t in plans.targets(trail[-1]) if plans.needs_scope(t)))
        chain = tuple(str(b) for b in trail)
        text = f"{' -> '.join(chain)}: a singleton would keep a scoped service beyond the end of its scope"
        hint = f"Make {binding} scoped, or let it open a scope when it needs {trail[-1]}."
        yield Fault(text, ScopedResolutionError(text, chain[-1], chain=chain, hint=hint))


def _circular(circle: list[Binding]) -> Fault:
    chain = tuple(str(b) for b in circle)
    text = f"{' -> '.join(chain)}: these need each other"
    hint = "Let one of them ask the container later, or move what they share to a third."
    return Fault(text, CircularDependencyError(text, chain=chain, hint=hint))

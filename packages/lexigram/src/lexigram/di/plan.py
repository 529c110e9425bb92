"""What each binding is made of, once its requests are answered: the edges of the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lexigram.contracts.core.scopes import ServiceScope
from lexigram.contracts.exceptions.base import LexigramError
from lexigram.contracts.exceptions.container import DependencyError
from lexigram.di.binding import Binding
from lexigram.di.markers import MISSING
from lexigram.di.registry import Registry
from lexigram.di.signature import Dependency

__all__ = ["Argument", "Plans"]


@dataclass(frozen=True, slots=True)
class Argument:
    """What is given for one parameter: a service, the resolver, a default value, or nothing because of a fault.

    Attributes:
        dependency: The parameter.
        target: The binding whose service is given; None for the resolver, a default and a fault.
        fault: Why nothing can be given.
    """

    dependency: Dependency
    target: Binding | None = None
    fault: LexigramError | None = None

    @property
    def value(self) -> Any:
        """The default value, where there is neither target nor fault."""
        return self.dependency.default


class Plans:
    """The arguments of every binding, worked out when first asked for and kept until the registry changes."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._plans: dict[Binding, tuple[Argument, ...]] = {}
        self._scoped: dict[Binding, bool] = {}

    def of(self, binding: Binding) -> tuple[Argument, ...]:
        """The arguments of a binding, in the order of its parameters."""
        plan = self._plans.get(binding)
        if plan is None:
            plan = self._plans[binding] = tuple(self._argument(binding, d) for d in binding.dependencies)
        return plan

    def targets(self, binding: Binding) -> list[Binding]:
        """The bindings that a binding needs."""
        return [a.target for a in self.of(binding) if a.target is not None]

    def needs_scope(self, binding: Binding) -> bool:
        """True when the service can be made in a scope only: it is scoped, or a transient that needs such a one."""
        known = self._scoped.get(binding)
        if known is None:
            # Set before looking further, for circles that lead back here.
            known = self._scoped[binding] = binding.lifetime is ServiceScope.SCOPED
            if binding.lifetime is ServiceScope.TRANSIENT:
                known = self._scoped[binding] = any(self.needs_scope(t) for t in self.targets(binding))
        return known

    def _argument(self, binding: Binding, dependency: Dependency) -> Argument:
        if dependency.fault is not None:
            text = f"{binding} cannot be made by {binding.source}: {dependency.fault}"
            hint = "Annotate it with a registered type, or give it a default value."
            return Argument(dependency, fault=DependencyError(text, hint=hint))
        if dependency.resolver or dependency.key is None:
            return Argument(dependency)
        target = self.registry.select(dependency.key, binding.owner)
        if target is None and dependency.default is not MISSING:
            return Argument(dependency)
        if target is None:
            return Argument(dependency, fault=self.registry.missing(dependency.key, binding.owner))
        return Argument(dependency, target)

"""The bindings of a container, and which of them a request means.

Two owners may register the same key without disturbing each other: who asks gets its own binding first, then the
application's, then one that another owner shows to it (see :class:`Borders`); of several of the same rank the latest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, get_args, get_origin

from lexigram.contracts.core.di import ContainerResolverProtocol
from lexigram.contracts.core.scopes import ServiceScope
from lexigram.contracts.exceptions.base import LexigramError
from lexigram.contracts.exceptions.container import UnresolvableDependencyError
from lexigram.contracts.exceptions.provider import ModuleVisibilityError
from lexigram.di.binding import Binding, Owner
from lexigram.di.keys import Key, type_name
from lexigram.di.signature import Dependency
from lexigram.suggestions import did_you_mean

__all__ = ["Borders", "GenericBinding", "GenericFactory", "OpenBorders", "Registry"]

GenericFactory = Callable[[tuple[Any, ...], ContainerResolverProtocol], Any]
"""Makes the service for one choice of type arguments; may be async, or a generator that closes it."""


class Borders(Protocol):
    """Says what an owner shows to others."""

    def shows(self, owner: Owner, key: Key, consumer: Owner) -> bool:
        """True when *consumer* may use what *owner* registered under *key*; asked only of different owners."""
        ...

    def name_of(self, owner: Owner) -> str:
        """The owner's name, for messages."""
        ...


class OpenBorders:
    """Everything is shown to everyone."""

    def shows(self, owner: Owner, key: Key, consumer: Owner) -> bool:
        """Always true."""
        return True

    def name_of(self, owner: Owner) -> str:
        """The name of a class, or whatever text there is."""
        return "the application" if owner is None else owner.__name__


@dataclass(frozen=True, slots=True)
class GenericBinding:
    """A way to every concrete form of a generic type.

    Attributes:
        origin: The generic class or protocol.
        name: The name it is registered under.
        factory: Makes the service.
        lifetime: How long each one lives.
        owner: Who registered it.
    """

    origin: Any
    name: str | None
    factory: GenericFactory
    lifetime: ServiceScope
    owner: Owner


class Registry:
    """The bindings by key."""

    def __init__(self) -> None:
        self.borders: Borders = OpenBorders()
        self.generation = 0
        self._by_key: dict[Key, list[Binding]] = {}
        self._names: defaultdict[Any, set[str]] = defaultdict(set)
        self._generic: dict[tuple[Any, str | None], list[GenericBinding]] = {}
        self._made: dict[GenericBinding, dict[Key, Binding]] = {}
        self._overrides: dict[Key, Binding] = {}

    def add(self, binding: Binding) -> None:
        """Add a binding; it replaces the one of the same owner and key."""
        bindings = self._by_key.setdefault(binding.key, [])
        bindings[:] = [b for b in bindings if b.owner != binding.owner]
        bindings.append(binding)
        if binding.key.name is not None:
            self._names[binding.key.type].add(binding.key.name)
        self.generation += 1

    def add_generic(self, generic: GenericBinding) -> None:
        """Add a way to all forms of a generic; it replaces the one of the same owner, origin and name."""
        generics = self._generic.setdefault((generic.origin, generic.name), [])
        generics[:] = [g for g in generics if g.owner != generic.owner]
        generics.append(generic)
        if generic.name is not None:
            self._names[generic.origin].add(generic.name)
        self.generation += 1

    def override(self, binding: Binding) -> Callable[[], None]:
        """Let *binding* stand for every binding of its key; returns what takes it back."""
        before = self._overrides.get(binding.key)
        self._overrides[binding.key] = binding
        self.generation += 1

        def undo() -> None:
            if self._overrides.get(binding.key) is binding:
                if before is None:
                    del self._overrides[binding.key]
                else:
                    self._overrides[binding.key] = before
                self.generation += 1

        return undo

    def __iter__(self) -> Iterator[Binding]:
        for bindings in list(self._by_key.values()):
            yield from bindings
        for made in list(self._made.values()):
            yield from made.values()
        yield from list(self._overrides.values())

    def keys_of(self, owner: Owner) -> list[Key]:
        """What an owner registered; a generic without arguments stands for all its forms."""
        keys = [key for key, bindings in self._by_key.items() if any(b.owner == owner for b in bindings)]
        generic = [Key(*known) for known, generics in self._generic.items() if any(g.owner == owner for g in generics)]
        return keys + generic

    def replaced(self, binding: Binding) -> bool:
        """True when an override stands in the place of this binding."""
        return self._overrides.get(binding.key, binding) is not binding

    def select(self, key: Key, consumer: Owner = None) -> Binding | None:
        """The binding that *consumer* means by *key*; None when there is none that it may use."""
        if key in self._overrides:
            return self._overrides[key]
        candidates = self._by_key.get(key, ())
        best = max(
            (b for b in candidates if self._visible(b.owner, key, consumer)),
            key=lambda b: (self._rank(b.owner, consumer), candidates.index(b)),
            default=None,
        )
        return best if best is not None else self._from_generic(key, consumer)

    def select_all(self, wanted: Any, consumer: Owner = None) -> list[Binding]:
        """The bindings of a type that *consumer* may use: the unnamed one first, then by name."""
        keys = {k for k in [*self._by_key, *self._overrides] if k.type == wanted}
        keys |= {Key(wanted, name) for origin, name in self._generic if origin == get_origin(wanted)}
        ordered = sorted(keys, key=lambda k: (k.name is not None, k.name or ""))
        return [binding for key in ordered if (binding := self.select(key, consumer)) is not None]

    def names_of(self, wanted: Any) -> list[str]:
        """The names under which a type is registered, sorted."""
        return sorted({*self._names.get(wanted, ()), *self._names.get(get_origin(wanted), ())})

    def missing(self, key: Key, consumer: Owner = None, chain: tuple[str, ...] = ()) -> LexigramError:
        """The error that says why :meth:`select` finds nothing.

        Args:
            key: What was asked for.
            consumer: Who asked.
            chain: Who needed it, outermost first.

        Returns:
            A ``ModuleVisibilityError`` where another owner keeps the service to itself, else an
            ``UnresolvableDependencyError``.
        """
        needed = f" (needed by {' -> '.join(chain)})" if chain else ""
        hidden = [*self._by_key.get(key, ()), *self._generic.get((get_origin(key.type), key.name), ())]
        if hidden:
            owner = hidden[-1].owner
            asking = "the application" if consumer is None else f"module {self.borders.name_of(consumer)!r}"
            provider = self.borders.name_of(owner)
            return ModuleVisibilityError(
                f"{key} belongs to module {provider!r} and is not visible to {asking}{needed}",
                consumer_module=None if consumer is None else self.borders.name_of(consumer),
                provider_module=provider,
                service_type=str(key),
                hint=f"Export it from {provider!r}"
                + ("." if consumer is None else f" and import that module in {self.borders.name_of(consumer)!r}."),
            )
        text, hint = self._unregistered(key)
        return UnresolvableDependencyError(
            text + needed, str(key), chain=chain, hint=hint, known_names=self.names_of(key.type)
        )

    def _unregistered(self, key: Key) -> tuple[str, str]:
        names = self.names_of(key.type)
        known = ", ".join(repr(n) for n in names)
        if key.name is not None:
            if names:
                return (
                    f"no {type_name(key.type)} is named {key.name!r}; the names are {known}"
                    + did_you_mean(key.name, names),
                    "Ask for one of the known names, or register this one.",
                )
            only = " under any name; there is only the unnamed one" if Key(key.type) in self._by_key else ""
            return f"{key} is not registered{only}", "Register it with name=..., or configure it."
        if names:
            return (
                f"{key} is registered only under names: {known}",
                f'Ask for Annotated[{type_name(key.type)}, Named("{names[0]}")], or register an unnamed one.',
            )
        if any(origin == key.type for origin, _ in self._generic):
            return f"{key} is registered for concrete forms only", f"Ask for {key}[...] with its types."
        return f"{key} is not registered", "Register it in a provider, or add the provider or module that does."

    def _visible(self, owner: Owner, key: Key, consumer: Owner) -> bool:
        return owner is None or owner == consumer or self.borders.shows(owner, key, consumer)

    @staticmethod
    def _rank(owner: Owner, consumer: Owner) -> int:
        return 2 if owner == consumer else 1 if owner is None else 0

    def _from_generic(self, key: Key, consumer: Owner) -> Binding | None:
        generics = self._generic.get((get_origin(key.type), key.name), ())
        visible = [g for g in generics if self._visible(g.owner, key, consumer)]
        if not visible:
            return None
        generic = max(visible, key=lambda g: (self._rank(g.owner, consumer), generics.index(g)))
        made = self._made.setdefault(generic, {})
        if key not in made:
            arguments = get_args(key.type)

            def factory(resolver: ContainerResolverProtocol) -> Any:
                return generic.factory(arguments, resolver)

            made[key] = Binding(
                key=key,
                lifetime=generic.lifetime,
                factory=factory,
                owner=generic.owner,
                explicit=(Dependency("resolver", Key(ContainerResolverProtocol), resolver=True),),
            )
        return made[key]

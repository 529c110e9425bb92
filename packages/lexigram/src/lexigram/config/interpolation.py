"""``${VAR}``, ``${VAR:default}`` and ``${secret:NAME}`` in the values of configuration files.

* ``${VAR}`` is the variable; that it is not set is an error.
* ``${VAR:default}`` is the variable if it is set, also if it is set to the empty text; else the default, which runs to
  the matching closing brace. Colons mean nothing special in it, so URLs are fine, and it may hold references of its
  own: ``${A:${B:x}}``.
* ``${secret:NAME}`` is the secret called NAME. The name may hold references: ``${secret:${STAGE}_PASSWORD}``.
* ``$${`` stands for the two characters ``${``. A dollar sign anywhere else is just that.

What a variable holds is not looked into again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Expansion", "InterpolationError", "escape", "expand"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_NESTING = 50


class InterpolationError(ValueError):
    """A reference in a value cannot be replaced; the caller knows the file and the key."""


@dataclass(slots=True)
class Expansion:
    """Replaces references, and remembers what they were replaced by.

    Attributes:
        variable: Gives the value of an environment variable, or None.
        secret: Gives a secret and the name of the resolver that had it.
        variables: The variables used so far.
        secrets: The secrets used so far, as ``name from resolver``.
    """

    variable: Callable[[str], str | None]
    secret: Callable[[str], tuple[str, str]]
    variables: list[str] = field(default_factory=list[str])
    secrets: list[str] = field(default_factory=list[str])

    def text(self, text: str, depth: int = 0) -> str:
        """Replace all references in *text*."""
        if "${" not in text:
            return text
        if depth > _MAX_NESTING:
            raise InterpolationError(f"references are nested more than {_MAX_NESTING} levels deep")
        parts: list[str] = []
        position = 0
        while (start := text.find("${", position)) >= 0:
            if start > position and text[start - 1] == "$":
                parts += (text[position : start - 1], "${")
                position = start + 2
                continue
            end = _closing(text, start + 2)
            parts += (text[position:start], self._reference(text[start + 2 : end], depth))
            position = end + 1
        parts.append(text[position:])
        return "".join(parts)

    def _reference(self, body: str, depth: int) -> str:
        name, colon, rest = body.partition(":")
        if name == "secret" and colon:
            secret_name = self.text(rest, depth + 1)
            value, resolver = self.secret(secret_name)
            self.secrets.append(f"{secret_name} from {resolver}")
            return value
        if not _NAME.fullmatch(name):
            raise InterpolationError(
                f"{name!r} is not the name of a variable; write $${{ for a dollar sign before a brace"
            )
        found = self.variable(name)
        if found is not None:
            self.variables.append(name)
            return found
        if not colon:
            raise InterpolationError(
                f"the variable {name} is not set; set it, or give a default with ${{{name}:default}}"
            )
        return self.text(rest, depth + 1)


def expand(
    text: str, variable: Callable[[str], str | None], secret: Callable[[str], tuple[str, str]]
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Replace the references in a text.

    Args:
        text: The text.
        variable: Gives the value of an environment variable, or None.
        secret: Gives a secret and the name of the resolver that had it.

    Returns:
        The text, the variables used and the secrets used (as ``name from resolver``).

    Raises:
        InterpolationError: A variable without default is not set, or a reference is not well-formed.
    """
    expansion = Expansion(variable, secret)
    expanded = expansion.text(text)
    return expanded, tuple(dict.fromkeys(expansion.variables)), tuple(dict.fromkeys(expansion.secrets))


def escape(text: str) -> str:
    """Write a text so that :func:`expand` gives it back unchanged.

    Args:
        text: Any text.

    Returns:
        The text with every ``${`` doubled to ``$${``.
    """
    return text.replace("${", "$${")


def _closing(text: str, position: int) -> int:
    """The position of the brace that closes a reference whose body starts at *position*."""
    level = 1
    for found in re.finditer(r"[{}]", text[position:]):
        level += 1 if found[0] == "{" else -1
        if level == 0:
            return position + found.start()
    raise InterpolationError("a reference that starts with ${ has no closing brace; write $${ for a plain ${")

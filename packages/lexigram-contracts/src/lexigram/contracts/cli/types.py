"""Code generators of the ``lexigram`` command."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GeneratorDefinition"]


@dataclass(frozen=True, slots=True)
class GeneratorDefinition:
    """A generator that ``lexigram gen`` offers.

    Attributes:
        name: Its name on the command line.
        description: What it writes.
        generator_path: The generator, as ``package.module:name``.
        contributor: Who adds it.
        output_dir: Where it writes when nothing else is said.
    """

    name: str
    description: str
    generator_path: str
    contributor: str
    output_dir: str = "src"

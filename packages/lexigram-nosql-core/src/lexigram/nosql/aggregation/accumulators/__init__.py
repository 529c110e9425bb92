"""Accumulators: what ``$group``, ``$bucket`` and windows compute over many documents.

:func:`compile_accumulator` is the entry. For each group a :class:`CompiledAccumulator` makes an
:class:`Accumulator`, which takes the values that its argument gives for the group's documents: one by one with
``add``, or a batch with ``add_many``.
"""

from __future__ import annotations

from lexigram.nosql.aggregation.accumulators.base import Accumulator, CompiledAccumulator
from lexigram.nosql.aggregation.accumulators.compile import compile_accumulator

__all__ = ["Accumulator", "CompiledAccumulator", "compile_accumulator"]

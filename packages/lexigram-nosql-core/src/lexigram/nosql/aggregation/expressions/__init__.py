"""Aggregation expressions, compiled to closures.

:func:`compile_expression` is the entry; each family of operators has a module of its own.
"""

from __future__ import annotations

from lexigram.nosql.aggregation.expressions.compile import compile_expression
from lexigram.nosql.aggregation.expressions.compiled import Compiled
from lexigram.nosql.aggregation.expressions.paths import validate_variable_name

__all__ = ["Compiled", "compile_expression", "validate_variable_name"]

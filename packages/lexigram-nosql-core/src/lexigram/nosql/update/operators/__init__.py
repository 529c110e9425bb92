"""The update operators, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lexigram.nosql.update.operators.base import Operator
from lexigram.nosql.update.operators.fields import FIELD_OPERATORS
from lexigram.nosql.update.operators.numeric import NUMERIC_OPERATORS
from lexigram.nosql.update.operators.pull import PULL_OPERATORS
from lexigram.nosql.update.operators.push import PUSH_OPERATORS

__all__ = ["OPERATORS"]

OPERATORS: Final[Mapping[str, Operator]] = {
    operator.name: operator for operator in (*FIELD_OPERATORS, *NUMERIC_OPERATORS, *PUSH_OPERATORS, *PULL_OPERATORS)
}
"""Every operator that an update may hold."""

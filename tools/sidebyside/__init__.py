"""Measures clients of one server side by side: what the benchmarks of the document backends have in common.

A benchmark describes itself as a :class:`Benchmark` and calls :func:`run`. ``measuring.py`` takes the times,
``showing.py`` prints and saves them, ``command.py`` is the command line. The engine and the SQL package compare things
of another kind, in one process or on two databases, and have measuring of their own.
"""

from sidebyside.command import Benchmark, run
from sidebyside.measuring import Contender, Measurement, Results, WrongAnswerError, measure
from sidebyside.showing import Check, common_checks

__all__ = [
    "Benchmark",
    "Check",
    "Contender",
    "Measurement",
    "Results",
    "WrongAnswerError",
    "common_checks",
    "measure",
    "run",
]

"""The kernel's names for what the contracts define are the same objects."""

from __future__ import annotations

import lexigram.contracts.core as core
import lexigram.contracts.exceptions as contracts
import pytest
from lexigram import exceptions, result


def test_every_error_of_the_contracts_is_there() -> None:
    """An error added to the contracts must not be forgotten here."""
    assert [name for name in contracts.__all__ if name not in exceptions.__all__] == []


@pytest.mark.parametrize("name", contracts.__all__)
def test_an_error_is_the_same_class(name: str) -> None:
    """Catching either name catches both."""
    assert getattr(exceptions, name) is getattr(contracts, name)


def test_the_root_has_two_names() -> None:
    """Documents use both."""
    assert exceptions.LexigramException is exceptions.LexigramError


@pytest.mark.parametrize("name", result.__all__)
def test_result_names_are_those_of_the_contracts(name: str) -> None:
    """One Result, two import paths."""
    assert getattr(result, name) is getattr(core, name)


def test_all_lists_are_sorted_and_complete() -> None:
    """Readers search them."""
    for module in (exceptions, result):
        assert list(module.__all__) == sorted(module.__all__)
        assert all(hasattr(module, name) for name in module.__all__)

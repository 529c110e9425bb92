"""PluginGroup: naming, loading once, the four errors, and distributions that appear while the program runs."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lexigram import plugins
from lexigram.plugins import (
    PluginConflictError,
    PluginError,
    PluginGroup,
    PluginInfo,
    PluginInvalidError,
    PluginLoadError,
    PluginNotFoundError,
    known_group,
    plugin_groups,
    refresh_plugins,
    unreadable_distributions,
)

GROUP = "lexigram.test.things"

Install = Callable[..., Path]


@dataclass(frozen=True)
class Thing:
    """A plugin kind for these tests."""

    name: str
    api: int = 1


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Write a distribution with entry points into a folder of its own at the front of ``sys.path``."""

    def write(
        distribution: str, entry_points: str, *, version: str = "1.0", folder: str | None = None, **modules: str
    ) -> Path:
        site = tmp_path / (folder or distribution)
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entry_points)
        for module, source in modules.items():
            (site / f"{module}.py").write_text(source)
        if str(site) not in sys.path:
            monkeypatch.syspath_prepend(str(site))
        return info

    before = set(sys.modules)
    yield write
    for module in set(sys.modules) - before:
        del sys.modules[module]
    refresh_plugins()


@pytest.fixture
def things() -> PluginGroup[Thing]:
    """A group of things, api number 1, with one well-known name."""

    def check(thing: Thing) -> str | None:
        return None if thing.api == 1 else f"made for contract {thing.api}, this is 1"

    return PluginGroup(GROUP, Thing, install_hints={"rock": "acme-rock", "jewel": "acme[jewel]"}, check=check)


def source_of(expression: str) -> str:
    """Source of a plugin module whose PLUGIN is *expression*, where Thing is this file's class."""
    return f"import lexigram.plugins\nThing = lexigram.plugins._test_thing\nPLUGIN = {expression}\n"


@pytest.fixture(autouse=True)
def _thing_is_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Test files are not importable by name, so the plugin modules find the kind here."""
    monkeypatch.setattr(plugins, "_test_thing", Thing, raising=False)


def test_a_distribution_on_the_path_is_found_without_importing_it(install: Install, things: PluginGroup[Thing]) -> None:
    """names() and describe() read metadata only."""
    install("acme-stone", f"[{GROUP}]\nstone = mod_stone:PLUGIN\n", version="2.1", mod_stone="raise SystemExit(9)")

    assert things.names() == ("stone",)
    assert things.describe() == (PluginInfo("stone", GROUP, "mod_stone:PLUGIN", "acme-stone", "2.1"),)
    assert "mod_stone" not in sys.modules


def test_load_imports_once_and_returns_the_same_object(install: Install, things: PluginGroup[Thing]) -> None:
    """The second load is answered from memory, even if the module is gone."""
    install("acme-stone", f"[{GROUP}]\nstone = mod_stone:PLUGIN\n", mod_stone=source_of("Thing('stone')"))

    first = things.load("stone")
    del sys.modules["mod_stone"]

    assert first == Thing("stone")
    assert things.load("stone") is first


def test_refresh_loads_anew(install: Install, things: PluginGroup[Thing]) -> None:
    """After refresh() an edited entry point file counts."""
    info = install(
        "acme-stone",
        f"[{GROUP}]\nstone = mod_stone:PLUGIN\n",
        mod_stone=source_of("Thing('stone')"),
        mod_other=source_of("Thing('other')"),
    )
    assert things.load("stone").name == "stone"

    (info / "entry_points.txt").write_text(f"[{GROUP}]\nstone = mod_other:PLUGIN\n")
    things.refresh()

    assert things.load("stone").name == "other"


def test_a_distribution_installed_later_into_a_known_folder_is_seen(
    install: Install, things: PluginGroup[Thing]
) -> None:
    """The scan is repeated when a folder on the path changes."""
    install("acme-stone", f"[{GROUP}]\nstone = mod_stone:PLUGIN\n", folder="site")
    assert things.names() == ("stone",)

    added = install("acme-sand", f"[{GROUP}]\nsand = mod_sand:PLUGIN\n", folder="site")
    os.utime(added.parent, ns=(0, 0))  # a clock too coarse to see two writes must not make this test fail

    assert things.names() == ("sand", "stone")


def test_the_scan_is_read_once_while_nothing_changes(
    monkeypatch: pytest.MonkeyPatch, things: PluginGroup[Thing]
) -> None:
    """Groups share one scan."""
    things.names()
    monkeypatch.setattr(plugins, "distributions", lambda: pytest.fail("scanned again"))

    things.names()
    PluginGroup("lexigram.test.others", Thing).names()


def test_an_unknown_name_says_what_is_installed_and_what_to_install(
    install: Install, things: PluginGroup[Thing]
) -> None:
    """A well-known name that is absent comes with the pip line."""
    install("acme-stone", f"[{GROUP}]\nstone = mod_stone:PLUGIN\n")

    with pytest.raises(PluginNotFoundError) as caught:
        things.load("rock")

    assert caught.value.message == (
        f"no 'rock' in group '{GROUP}'; installed: stone. Install it with: pip install acme-rock"
    )
    assert isinstance(caught.value, LookupError)
    assert caught.value.installed == ("stone",)
    assert caught.value.group == GROUP
    assert caught.value.name == "rock"


def test_extras_in_the_pip_line_are_quoted_for_the_shell(things: PluginGroup[Thing]) -> None:
    """Square brackets are patterns to a shell."""
    with pytest.raises(PluginNotFoundError, match=r"installed: none. Install it with: pip install 'acme\[jewel\]'"):
        things.load("jewel")


def test_a_misspelt_name_is_suggested(install: Install, things: PluginGroup[Thing]) -> None:
    """Names without a hint get the near miss instead."""
    install("acme-stone", f"[{GROUP}]\nstone = mod_stone:PLUGIN\n")

    with pytest.raises(PluginNotFoundError, match="did you mean 'stone'"):
        things.load("stome")


def test_two_distributions_with_one_name_conflict_and_both_are_named(
    install: Install, things: PluginGroup[Thing]
) -> None:
    """Neither wins silently, and nothing is imported."""
    install("acme-a", f"[{GROUP}]\nstone = mod_a:PLUGIN\n", version="1.0")
    install("acme-b", f"[{GROUP}]\nstone = mod_b:PLUGIN\n", version="2.0")

    assert things.names() == ("stone",)
    assert len(things.describe()) == 2
    with pytest.raises(PluginConflictError) as caught:
        things.load("stone")

    assert "acme-a 1.0" in caught.value.message
    assert "acme-b 2.0" in caught.value.message
    assert caught.value.distributions == ("acme-a", "acme-b")


def test_the_same_value_seen_twice_is_no_conflict(install: Install, things: PluginGroup[Thing]) -> None:
    """An editable and an installed copy of one plugin are one plugin."""
    install("acme-a", f"[{GROUP}]\nstone = mod_a:PLUGIN\n", mod_a=source_of("Thing('stone')"))
    install("acme-b", f"[{GROUP}]\nstone = mod_a:PLUGIN\n")

    assert things.load("stone") == Thing("stone")


def test_a_distribution_seen_twice_is_taken_from_its_first_place(install: Install, things: PluginGroup[Thing]) -> None:
    """As for imports, the folder earlier on the path hides the later one."""
    install("acme-a", f"[{GROUP}]\nstone = mod_old:PLUGIN\n", version="1.0", folder="later")
    install("acme.a", f"[{GROUP}]\nstone = mod_new:PLUGIN\n", version="2.0", folder="earlier")

    assert [info.value for info in things.describe()] == ["mod_new:PLUGIN"]


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("import no_such_module_here", ModuleNotFoundError),
        ("raise ValueError('boom')", ValueError),
        ("def broken(:", SyntaxError),
        ("", AttributeError),
    ],
)
def test_a_plugin_that_fails_to_import_chains_the_cause(
    install: Install, things: PluginGroup[Thing], source: str, cause: type[Exception]
) -> None:
    """The message names plugin, place and distribution; the cause is kept."""
    install("acme-broken", f"[{GROUP}]\nstone = mod_broken:PLUGIN\n", mod_broken=source)

    with pytest.raises(
        PluginLoadError, match=r"cannot load 'stone' from mod_broken:PLUGIN \(acme-broken 1.0\)"
    ) as caught:
        things.load("stone")

    assert isinstance(caught.value.__cause__, cause)
    assert cause.__name__ in caught.value.message


def test_an_exit_while_importing_is_not_swallowed(install: Install, things: PluginGroup[Thing]) -> None:
    """Only errors are wrapped, never a request to stop."""
    install("acme-exit", f"[{GROUP}]\nstone = mod_exit:PLUGIN\n", mod_exit="raise SystemExit(3)")

    with pytest.raises(SystemExit):
        things.load("stone")


def test_a_plugin_of_the_wrong_kind_is_refused(install: Install, things: PluginGroup[Thing]) -> None:
    """The error names both kinds."""
    install("acme-wrong", f"[{GROUP}]\nstone = mod_wrong:PLUGIN\n", mod_wrong="PLUGIN = 42")

    with pytest.raises(PluginInvalidError, match=r"is a int; the group 'lexigram\.test\.things' takes Thing") as caught:
        things.load("stone")
    assert isinstance(caught.value, TypeError)


def test_a_plugin_for_another_contract_number_is_refused(install: Install, things: PluginGroup[Thing]) -> None:
    """The group's check gives the reason."""
    install("acme-new", f"[{GROUP}]\nstone = mod_new:PLUGIN\n", mod_new=source_of("Thing('stone', api=2)"))

    with pytest.raises(PluginInvalidError, match="cannot be used: made for contract 2, this is 1"):
        things.load("stone")


def test_register_adds_a_plugin_and_undo_takes_it_back(things: PluginGroup[Thing]) -> None:
    """Without packaging, for tests and embedding."""
    undo = things.register("pebble", Thing("pebble"))
    assert things.names() == ("pebble",)
    assert things.load("pebble") == Thing("pebble")
    assert things.describe()[0].distribution is None
    assert "registered by code" in str(things.describe()[0])

    undo()
    undo()

    assert things.names() == ()
    with pytest.raises(PluginNotFoundError):
        things.load("pebble")


def test_registrations_of_one_name_are_undone_in_any_order(things: PluginGroup[Thing]) -> None:
    """The latest that is still registered counts."""
    undo_first = things.register("pebble", Thing("first"))
    undo_second = things.register("pebble", Thing("second"))
    assert things.load("pebble").name == "second"

    undo_first()
    assert things.load("pebble").name == "second"

    undo_second()
    assert things.names() == ()


def test_a_registered_plugin_hides_an_installed_one(install: Install, things: PluginGroup[Thing]) -> None:
    """A test can replace a backend for its duration."""
    install("acme-stone", f"[{GROUP}]\nstone = mod_stone:PLUGIN\n", mod_stone=source_of("Thing('installed')"))

    undo = things.register("stone", Thing("mine"))
    assert things.load("stone").name == "mine"

    undo()
    assert things.load("stone").name == "installed"


def test_register_refuses_the_wrong_kind_at_once(things: PluginGroup[Thing]) -> None:
    """The mistake is reported where it is made."""
    with pytest.raises(PluginInvalidError):
        things.register("pebble", 42)  # type: ignore[arg-type]
    assert things.names() == ()


def test_a_damaged_entry_point_file_does_not_hide_the_others(install: Install, things: PluginGroup[Thing]) -> None:
    """It is listed for the doctor instead."""
    damaged = install("acme-damaged", f"[{GROUP}]\nno equals sign here\n")
    install("acme-stone", f"[{GROUP}]\nstone = mod_stone:PLUGIN\n")

    assert things.names() == ("stone",)
    assert str(damaged) in unreadable_distributions()


def test_a_distribution_without_metadata_is_still_usable(install: Install, things: PluginGroup[Thing]) -> None:
    """Its name is unknown, its plugin is not."""
    info = install("acme-bare", f"[{GROUP}]\nstone = mod_stone:PLUGIN\n", mod_stone=source_of("Thing('stone')"))
    (info / "METADATA").unlink()

    assert things.describe()[0].distribution == "unknown"
    assert things.load("stone") == Thing("stone")


def test_plugin_errors_survive_pickling(things: PluginGroup[Thing]) -> None:
    """They may cross processes."""
    with pytest.raises(PluginError) as caught:
        things.load("rock")

    copy = pickle.loads(pickle.dumps(caught.value))

    assert (type(copy), copy.group, copy.name, str(copy)) == (PluginNotFoundError, GROUP, "rock", str(caught.value))


def test_the_group_says_what_it_is(things: PluginGroup[Thing]) -> None:
    """Group, kind and repr are for messages of callers."""
    assert (things.group, things.kind) == (GROUP, Thing)
    assert repr(things) == f"PluginGroup('{GROUP}', Thing)"


def test_groups_and_their_owners_can_be_asked_for(install: Install, things: PluginGroup[Thing]) -> None:
    """Without importing any plugin."""
    install("acme-stone", f"[{GROUP}]\nstone = mod_stone:PLUGIN\n[other.group]\nx = mod_x:PLUGIN\n")

    assert plugin_groups("lexigram.test.") == (GROUP,)
    assert "other.group" in plugin_groups()
    assert known_group(GROUP) is things
    assert known_group("nobody.made.this") is None
    assert things.install_hints == {"rock": "acme-rock", "jewel": "acme[jewel]"}

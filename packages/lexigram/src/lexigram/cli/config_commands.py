"""``lexigram config``: what the configuration is, and where it comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from lexigram.cli.options import AsJson, ConfigFile, Profile, load_config
from lexigram.cli.output import console, print_json, print_table, rendered, table
from lexigram.config import LexigramConfig, TrailEntry

__all__ = ["app"]

app = typer.Typer(help="Show the configuration.", no_args_is_help=True)


@app.callback()
def config_group() -> None:
    """Show the configuration."""


@app.command()
def show(
    section: Annotated[str | None, typer.Option("--section", "-s", help="Only this section.")] = None,
    config: ConfigFile = None,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Show each value and where it came from; secrets are masked."""
    settings = load_config(config, profile)
    trail = settings.trail(section)
    if as_json:
        print_json(_as_data(settings, trail))
        return
    out = console()
    files = ", ".join(map(str, settings.files)) or "none; defaults and the environment only"
    out.print(f"Files: {files}", soft_wrap=True)
    out.print(f"Environment: {settings.environment}, profile: {settings.profile or 'none'}\n", soft_wrap=True)
    values = table("Key", "Value", "Source")
    for entry in trail:
        values.add_row(entry.key, rendered(entry.value), str(entry.source))
    print_table(values, out)


def _as_data(settings: LexigramConfig, trail: tuple[TrailEntry, ...]) -> dict[str, object]:
    return {
        "files": [str(path) for path in settings.files],
        "profile": settings.profile,
        "environment": settings.environment.value,
        "values": [
            {
                "key": entry.key,
                "value": entry.value,
                "source": {"kind": entry.source.kind.value, "text": str(entry.source)},
                "secret": entry.is_secret,
            }
            for entry in trail
        ],
    }

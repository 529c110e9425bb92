"""A source for settings classes that are not ours.

::

    class ShippingSettings(BaseSettings):
        carrier: str

        @classmethod
        def settings_customise_sources(cls, settings_cls, init_settings, **_):
            return init_settings, LexigramSettingsSource(settings_cls, "shipping")
"""

from __future__ import annotations

from os import PathLike
from typing import Any, cast

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from lexigram.config.fields import decoded, input_names, opened
from lexigram.config.loading import Secrets, load_profile
from lexigram.config.sources import Reader, usual_sources
from lexigram.config.tree import Leaf, Section, dotted, find, parse_key, to_plain
from lexigram.contracts.exceptions.config import ConfigurationError

__all__ = ["LexigramSettingsSource"]


class LexigramSettingsSource(PydanticBaseSettingsSource):
    """A section of the application's configuration, for any ``BaseSettings`` class to list among its sources.

    Reads what ``LexigramConfig.from_env_profile()`` does, when the class is instantiated: the files of a folder, those
    of the profile, ``.env`` and ``LEX_*``, with references and secrets put in.

    Args:
        settings_cls: The class.
        section: The dotted section. Empty for the whole: variables that set none of the class's fields are left out
            then, while unknown keys of files are the class's to refuse.
        profile: The profile; ``LEX_PROFILE`` if not given. A profile that is named must have a file.
        base_path: The folder.
        env_override: Let ``.env`` and ``LEX_*`` set values.
        secrets: Where ``${secret:NAME}`` looks; the environment and mounted files by default.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        section: str,
        *,
        profile: str | None = None,
        base_path: str | PathLike[str] = ".",
        env_override: bool = True,
        secrets: Secrets = None,
    ) -> None:
        super().__init__(settings_cls)
        self.section = section
        self.profile = profile
        self.base_path = base_path
        self.env_override = env_override
        self.secrets = secrets

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The value of a field, its key, and whether it is still to be parsed, which it never is."""
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """The section as plain data.

        Raises:
            ConfigurationError: A file is malformed, a variable or secret is missing, or the section is none.
        """
        path = parse_key(self.section)
        names = input_names(self.settings_cls)
        reader = Reader(self.settings_cls, path, frozenset() if path else frozenset(names), usual_sources)
        loaded = load_profile(self.base_path, self.profile, self.env_override, self.secrets, reader)
        node = find(loaded.root, path)
        if node is None:
            return {}
        if not path and isinstance(node, Section):
            node = node.without_foreign(names)
        node = opened(self.settings_cls, loaded.interpolated(node, path))
        if isinstance(node, Leaf) and node.value is None:
            return {}
        if not isinstance(node, Section):
            raise ConfigurationError(f"{dotted(path)} is not a section", key=dotted(path), source=str(node.source))
        plain = cast("dict[str, Any]", to_plain(node))
        return {key: decoded(names[key].annotation, value) if key in names else value for key, value in plain.items()}

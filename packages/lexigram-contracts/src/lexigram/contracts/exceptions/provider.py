"""Errors of providers and modules.

* ProviderError PROV_001
  + ProviderTimeoutError PROV_002 (also TimeoutError)
* ModuleError MOD_001
  + ModuleImportError MOD_002
  + ModuleExportError MOD_003
  + ModuleCycleError MOD_004
  + ModuleVisibilityError MOD_005
  + ModuleDuplicateError MOD_006

Codes are ``LEX_ERR_`` and what is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from lexigram.contracts.exceptions.base import LexigramError

__all__ = [
    "ModuleCycleError",
    "ModuleDuplicateError",
    "ModuleError",
    "ModuleExportError",
    "ModuleImportError",
    "ModuleVisibilityError",
    "ProviderError",
    "ProviderTimeoutError",
]


class ProviderError(LexigramError):
    """A provider could not be registered, booted or shut down.

    Attributes:
        provider: Its name.
        phase: ``register``, ``boot``, ``shutdown`` or ``health``.
    """

    _code: ClassVar[str] = "LEX_ERR_PROV_001"

    def __init__(
        self,
        message: str | None = None,
        *args: Any,
        provider: str | None = None,
        phase: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.provider = provider
        self.phase = phase


class ProviderTimeoutError(ProviderError, TimeoutError):
    """A provider did not finish within its time.

    Attributes:
        timeout: The limit that passed, in seconds.
    """

    _code = "LEX_ERR_PROV_002"

    def __init__(self, message: str | None = None, *args: Any, timeout: float | None = None, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.timeout = timeout


class ModuleError(LexigramError):
    """A module is not valid.

    Attributes:
        module_name: Name of the module concerned.
    """

    _code: ClassVar[str] = "LEX_ERR_MOD_001"

    def __init__(self, message: str | None = None, *args: Any, module_name: str | None = None, **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.module_name = module_name


class ModuleImportError(ModuleError):
    """A module imports one that is not there.

    Attributes:
        missing_import: Name of what is missing.
        available_modules: What is there.
    """

    _code = "LEX_ERR_MOD_002"

    def __init__(
        self,
        message: str | None = None,
        *args: Any,
        missing_import: str | None = None,
        available_modules: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.missing_import = missing_import
        self.available_modules: tuple[str, ...] = tuple(available_modules)


class ModuleExportError(ModuleError):
    """A module exports something that none of its providers registers.

    Attributes:
        missing_export: Name of what is missing.
        registered_types: What is registered.
    """

    _code = "LEX_ERR_MOD_003"

    def __init__(
        self,
        message: str | None = None,
        *args: Any,
        missing_export: str | None = None,
        registered_types: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.missing_export = missing_export
        self.registered_types: tuple[str, ...] = tuple(registered_types)


class ModuleCycleError(ModuleError):
    """Modules import each other in a circle.

    Attributes:
        cycle: The names along the circle, the first one again at the end.
    """

    _code = "LEX_ERR_MOD_004"

    def __init__(self, message: str | None = None, *args: Any, cycle: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(message, *args, **kwargs)
        self.cycle: tuple[str, ...] = tuple(cycle)


class ModuleVisibilityError(ModuleError):
    """A module uses a service that its owner does not export to it.

    Attributes:
        consumer_module: Who asks.
        provider_module: Who owns the service.
        service_type: The service.
    """

    _code = "LEX_ERR_MOD_005"

    def __init__(
        self,
        message: str | None = None,
        *args: Any,
        consumer_module: str | None = None,
        provider_module: str | None = None,
        service_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(message, *args, **kwargs)
        self.consumer_module = consumer_module
        self.provider_module = provider_module
        self.service_type = service_type


class ModuleDuplicateError(ModuleError):
    """One module is configured twice."""

    _code = "LEX_ERR_MOD_006"

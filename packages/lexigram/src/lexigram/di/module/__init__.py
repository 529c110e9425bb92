"""Modules; see ``lexigram.di.module.base`` for what they are."""

from __future__ import annotations

from lexigram.contracts.exceptions.provider import (
    ModuleCycleError,
    ModuleDuplicateError,
    ModuleError,
    ModuleExportError,
    ModuleImportError,
    ModuleVisibilityError,
)
from lexigram.di.module.base import DynamicModule, Module, ModuleMetadata, create_module, global_module, module

__all__ = [
    "DynamicModule",
    "Module",
    "ModuleCycleError",
    "ModuleDuplicateError",
    "ModuleError",
    "ModuleExportError",
    "ModuleImportError",
    "ModuleMetadata",
    "ModuleVisibilityError",
    "create_module",
    "global_module",
    "module",
]

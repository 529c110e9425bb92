"""The protobuf classes of Firestore themselves, without the wrappers that the SDK puts around them.

The SDK's types are made by proto-plus, whose every attribute costs a search and a conversion. Below each stands the
class that protobuf's C library made; it has no types that a checker could see.
"""

from __future__ import annotations

from typing import Any, Final

from google.cloud.firestore_v1.types import common, document, write

__all__ = ["Document", "MapValue", "Precondition", "Value", "Write", "raw"]


def raw(wrapper: Any) -> Any:
    """The class of protobuf below one of the SDK's classes.

    Args:
        wrapper: A message class of ``google.cloud.firestore_v1.types``.
    """
    return wrapper.pb()


Value: Final[Any] = raw(document.Value)
MapValue: Final[Any] = raw(document.MapValue)
Document: Final[Any] = raw(document.Document)
Precondition: Final[Any] = raw(common.Precondition)
Write: Final[Any] = raw(write.Write)

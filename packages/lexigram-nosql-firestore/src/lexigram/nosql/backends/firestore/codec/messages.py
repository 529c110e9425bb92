"""The protobuf classes of Firestore themselves, without the wrappers that the SDK puts around them.

The SDK's types are made by proto-plus, whose every attribute costs a search and a conversion. Below each stands the
class that protobuf's C library made; it has no types that a checker could see.
"""

from __future__ import annotations

from typing import Any, Final

from google.cloud.firestore_v1.types import common, document, firestore, write

__all__ = [
    "BatchGetDocumentsRequest",
    "BatchGetDocumentsResponse",
    "CommitRequest",
    "CommitResponse",
    "Document",
    "DocumentMask",
    "FieldTransform",
    "GetDocumentRequest",
    "ListCollectionIdsRequest",
    "ListCollectionIdsResponse",
    "ListDocumentsRequest",
    "ListDocumentsResponse",
    "MapValue",
    "Precondition",
    "RunAggregationQueryRequest",
    "RunAggregationQueryResponse",
    "RunQueryRequest",
    "RunQueryResponse",
    "Value",
    "Write",
    "raw",
]


def raw(wrapper: Any) -> Any:
    """The class of protobuf below one of the SDK's classes.

    Args:
        wrapper: A message class of ``google.cloud.firestore_v1.types``.
    """
    return wrapper.pb()


Value: Final[Any] = raw(document.Value)
MapValue: Final[Any] = raw(document.MapValue)
Document: Final[Any] = raw(document.Document)
DocumentMask: Final[Any] = raw(common.DocumentMask)
Precondition: Final[Any] = raw(common.Precondition)
Write: Final[Any] = raw(write.Write)
FieldTransform: Final[Any] = raw(write.DocumentTransform.FieldTransform)

GetDocumentRequest: Final[Any] = raw(firestore.GetDocumentRequest)
BatchGetDocumentsRequest: Final[Any] = raw(firestore.BatchGetDocumentsRequest)
BatchGetDocumentsResponse: Final[Any] = raw(firestore.BatchGetDocumentsResponse)
ListDocumentsRequest: Final[Any] = raw(firestore.ListDocumentsRequest)
ListDocumentsResponse: Final[Any] = raw(firestore.ListDocumentsResponse)
ListCollectionIdsRequest: Final[Any] = raw(firestore.ListCollectionIdsRequest)
ListCollectionIdsResponse: Final[Any] = raw(firestore.ListCollectionIdsResponse)
RunQueryRequest: Final[Any] = raw(firestore.RunQueryRequest)
RunQueryResponse: Final[Any] = raw(firestore.RunQueryResponse)
RunAggregationQueryRequest: Final[Any] = raw(firestore.RunAggregationQueryRequest)
RunAggregationQueryResponse: Final[Any] = raw(firestore.RunAggregationQueryResponse)
CommitRequest: Final[Any] = raw(firestore.CommitRequest)
CommitResponse: Final[Any] = raw(firestore.CommitResponse)

"""The table as Tortoise and Piccolo describe it; both find their models by module or by engine."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

__all__ = ["TortoiseProduct", "piccolo_engine", "piccolo_model"]


class TortoiseProduct(Model):
    """A row."""

    id = fields.IntField(primary_key=True)
    sku = fields.TextField()
    name = fields.TextField()
    price = fields.FloatField()
    quantity = fields.IntField()
    active = fields.BooleanField()

    class Meta:
        """Where it is."""

        table = "product"


def piccolo_engine(kind: str, target: str) -> Any:
    """An engine of Piccolo's.

    Args:
        kind: ``sqlite`` or ``postgres``.
        target: The path of the file, or the server's URL.
    """
    if kind == "sqlite":
        from piccolo.engine.sqlite import SQLiteEngine

        return SQLiteEngine(path=target)
    from piccolo.engine.postgres import PostgresEngine

    return PostgresEngine({"dsn": target}, extensions=())


def piccolo_model(engine: Any) -> Any:
    """The table on an engine."""
    from piccolo.columns import Boolean, DoublePrecision, Integer, Serial, Text
    from piccolo.table import create_table_class

    columns = {"id": Serial(primary_key=True), "sku": Text(), "name": Text(), "price": DoublePrecision()}
    columns |= {"quantity": Integer(), "active": Boolean()}
    return create_table_class("Product", class_kwargs={"tablename": "product", "db": engine}, class_members=columns)

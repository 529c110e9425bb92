"""Names of tables and columns, checked and quoted; those of :mod:`lexigram.contracts.data.identifiers`."""

from lexigram.contracts.data.identifiers import Column, Identifier, QualifiedTable, Schema, Table, column, schema, table

__all__ = ["Column", "Identifier", "QualifiedTable", "Schema", "Table", "column", "schema", "table"]

"""Data access: document stores, SQL databases, repositories, filter expressions."""

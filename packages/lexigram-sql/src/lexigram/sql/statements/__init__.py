"""Statements: raw SQL split, understood as far as needed, and brought into a driver's own form."""

from lexigram.sql.statements.tokens import Kind, Token, tokenize
from lexigram.sql.statements.translate import Translation, translate

__all__ = ["Kind", "Token", "Translation", "tokenize", "translate"]

"""How documents are changed: messages, guards of unique indexes, commits."""

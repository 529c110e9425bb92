"""How document stores join an application."""

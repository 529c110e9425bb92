"""The backends that come with the package; each is imported only when its name is asked for."""

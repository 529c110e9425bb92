"""Updates: parsed once per shape, checked before anything happens, applied without changing their documents."""

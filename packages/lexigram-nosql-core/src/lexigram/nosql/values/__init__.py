"""Values as documents hold them: their types, order, equality, copies, sizes, paths and collations."""

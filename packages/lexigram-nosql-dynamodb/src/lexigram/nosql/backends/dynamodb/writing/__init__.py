"""Writing items: alone, in batches, in transactions, with the guards of unique indexes."""

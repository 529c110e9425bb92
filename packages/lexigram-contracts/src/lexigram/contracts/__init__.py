"""What the data layer promises: protocols, results, errors, filter expressions."""

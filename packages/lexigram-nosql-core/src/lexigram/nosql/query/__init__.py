"""Filters, sorts and projections: from what users write to what runs."""

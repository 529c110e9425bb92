"""Where collections lie: in tables of their own, in one table together, or in tables that exist already."""

"""Reading items: by key, by query, by scan, page after page."""

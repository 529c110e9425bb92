"""Aggregation: pipelines, their stages, and the expressions and accumulators in them."""

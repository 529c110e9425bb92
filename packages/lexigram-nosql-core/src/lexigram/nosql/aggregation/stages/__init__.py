"""The stages of pipelines, one room for each idea.

:mod:`~lexigram.nosql.aggregation.stages.base` says what a stage is, :mod:`~lexigram.nosql.aggregation.stages.registry`
which there are.
"""

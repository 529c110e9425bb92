"""For tests of backends and of code that uses stores; needs the extra ``testing``.

* :mod:`~lexigram.nosql.testing.strategies`: hypothesis strategies for documents, filters, updates and pipelines.
"""

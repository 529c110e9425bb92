"""Who watches over a database: figures of its statements, metrics, spans, and what is tried again."""

from lexigram.sql.observing.figures import QueryFigures
from lexigram.sql.observing.metrics import MetricsQueryLogger
from lexigram.sql.observing.monitor import DatabaseMonitor
from lexigram.sql.observing.resilience import DatabaseResilienceHandler

__all__ = ["DatabaseMonitor", "DatabaseResilienceHandler", "MetricsQueryLogger", "QueryFigures"]

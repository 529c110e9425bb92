"""Notes of the statements that ran, with their parameters masked."""

from lexigram.sql.logs.loggers import ConsoleQueryLogger, FileQueryLogger, MemoryQueryLogger, QueryLoggerBase
from lexigram.sql.logs.masking import ParameterMask

__all__ = ["ConsoleQueryLogger", "FileQueryLogger", "MemoryQueryLogger", "ParameterMask", "QueryLoggerBase"]

"""The audit report: from evidence to one document that machines read, people are shown, and anybody can make again."""

from counterfoil.services.report.compilation import SCHEMA, compile_report

__all__ = ["SCHEMA", "compile_report"]

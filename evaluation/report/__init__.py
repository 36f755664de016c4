"""The page people look at: static HTML with pictures beside it."""

from evaluation.report.inputs import ReportInput
from evaluation.report.page import write_report

__all__ = ["ReportInput", "write_report"]

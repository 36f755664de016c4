"""Predictions in the files of the public data sets, read into ours and written from them."""

from evaluation.prediction_formats.registry import FORMATS, read_format, write_format

__all__ = ["FORMATS", "read_format", "write_format"]

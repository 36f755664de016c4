"""Manifests written in the original layouts of the public data sets."""

from evaluation.exporting.registry import EXPORTERS, export_dataset

__all__ = ["EXPORTERS", "export_dataset"]

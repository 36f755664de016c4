"""Public hand data sets, read from their original files into the manifest."""

from evaluation.datasets.own import check_manifest
from evaluation.datasets.registry import DATASETS, import_dataset

__all__ = ["DATASETS", "check_manifest", "import_dataset"]

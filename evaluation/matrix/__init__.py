"""Models trained on some data, tested on all: train rows by test columns, published beside ours."""

from evaluation.matrix.anchors import Anchor, published_anchors
from evaluation.matrix.exports import LEGEND, cell_text, write_exports
from evaluation.matrix.matrix import Matrix
from evaluation.matrix.table import MATRIX_METRICS, Trial, build_matrix
from evaluation.matrix.views import MatrixView, matrix_views, views_of

__all__ = [
    "LEGEND",
    "MATRIX_METRICS",
    "Anchor",
    "Matrix",
    "MatrixView",
    "Trial",
    "build_matrix",
    "cell_text",
    "matrix_views",
    "published_anchors",
    "views_of",
    "write_exports",
]

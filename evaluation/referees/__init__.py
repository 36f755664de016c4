"""The official evaluations of the public data sets, over their original files."""

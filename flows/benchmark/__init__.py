"""The benchmark: every registered model on every data set present, its history and its page."""

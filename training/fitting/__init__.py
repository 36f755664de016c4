"""Fitting a model: the trainer and its parts."""

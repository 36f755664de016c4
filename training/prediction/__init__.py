"""Predicting data sets and a user's own images."""

"""Pose distributions: what the fingers do."""

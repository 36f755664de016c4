"""Manifest to models to checkpoints to predictions."""

"""Pose distributions to scenes to Blender to shards and a Parquet manifest."""

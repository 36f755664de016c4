"""The only place that imports bpy, and only in a process of its own (`python -m`)."""

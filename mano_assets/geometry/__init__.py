"""Geometry of a posed mesh: normals, self-intersection, gaps; compiled where it is slow."""

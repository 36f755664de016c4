"""Rooms made from nothing: what is seen from a place in them, in any direction."""

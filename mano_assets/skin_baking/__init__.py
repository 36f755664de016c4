"""Baking the skin's maps: the atlas, where skin differs, its relief and its pigment."""

"""Where a second hand may be: beside the first, on it or round it, never through it."""

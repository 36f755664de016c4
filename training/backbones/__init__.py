"""Feature extractors: those of timm, and the papers' own."""

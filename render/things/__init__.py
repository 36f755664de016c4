"""Things that a hand holds or that stand in its way: their shapes and where they may be.

Every thing has a frame of its own: z along its length, x across its thinnest side, the origin where
a hand would grip it; metres.
"""

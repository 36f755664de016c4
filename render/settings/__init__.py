"""Light and background of an image, made from the description of its setting.

Both are linear radiance and agree: what shines in the background shines on the hand.
"""

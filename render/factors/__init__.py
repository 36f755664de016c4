"""What an image is made of beside the pose: one file a factor.

Each holds the factor's part of the recipe, its description in the scene, the draw from one to the
other, and, where it has a shape, the surfaces that follow from the description alone.
"""

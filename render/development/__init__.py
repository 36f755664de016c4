"""From linear radiance to image files: what a camera does with light, as pure functions."""

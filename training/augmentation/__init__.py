"""Random changes of crops on the device; labels move with the pixels."""

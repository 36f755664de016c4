"""From features to what a system puts out."""

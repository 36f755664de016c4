"""The hand itself: model files, skeletons, anatomy. Knows no other room."""

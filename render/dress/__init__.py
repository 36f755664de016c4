"""Shapes of the arm above the elbow and of what is worn on arm and fingers."""

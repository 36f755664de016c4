"""From data sets to batches of crops."""

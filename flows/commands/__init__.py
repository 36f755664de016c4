"""The verbs of the command line: each turns its options into one stage's arguments."""

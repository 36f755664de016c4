"""The DAG, its configuration, its recipes and the command line."""

"""What models and training cost."""

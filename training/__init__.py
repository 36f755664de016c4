"""From manifests to models: data, model systems, the trainer and prediction."""

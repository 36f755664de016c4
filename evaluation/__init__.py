"""Public data sets as manifests, protocols, metrics, reports."""

"""The model systems, one file each; `registry` lists them."""

"""The scheduler: puts every pod that has no node on one that fits."""

"""Optical media: the release's DVD, by what its first sectors say, and the lab's own boot disk."""

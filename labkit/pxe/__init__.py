"""The network boot services on the bootstrap server: set up, published to, checked, read."""

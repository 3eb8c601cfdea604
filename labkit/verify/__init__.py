"""Proof that the lab works: rows that are ok, failed, or not proven here with the reason."""

"""Measurements that are run by hand; the tests do not."""

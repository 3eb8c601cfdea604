"""The lab as a whole: whether it can be rebuilt, its systems thrown away, started, stopped, and what it is."""

"""The room of a rehearsal: its network, firmware, machines and installer, on one Linux machine."""

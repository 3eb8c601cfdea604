"""From one YAML file to one typed, frozen description of the lab."""

from labkit.config.load import load_lab

__all__ = ["load_lab"]

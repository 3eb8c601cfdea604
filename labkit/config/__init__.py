"""From one YAML file to one typed, frozen description of the lab: `labkit.config.load.load_lab`."""

"""From one YAML file to one typed, frozen description of the lab: `labkit.description.load.load_lab`."""

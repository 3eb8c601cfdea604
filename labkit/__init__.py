"""The library under the Invoke tasks: everything the lab does, and no task."""

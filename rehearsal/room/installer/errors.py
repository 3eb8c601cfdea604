"""Why an installation stopped."""


class InstallError(Exception):
    """The installation cannot go on; the message is what the machine's screen would show."""

"""What can go wrong in the room in a way that a person can understand."""


class RoomError(Exception):
    """The room cannot do what was asked; the message says what and why, and is shown without a traceback."""

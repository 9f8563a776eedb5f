"""Errors a user can cause, shown as one line without a traceback."""

from .text import plain


class UserError(Exception):
    """Something asked for cannot be done; the message says what and what to do.

    It is no ValueError, which the parser of the command line would take for its own.
    """

    def __init__(self, message: str):
        # Parts of it may come from damaged files or from other machines.
        super().__init__(plain(message))


class DataError(UserError):
    """A data file is missing, damaged, or not what it should be."""

"""Errors a user can cause, shown as one line without a traceback."""


class UserError(Exception):
    """Something asked for cannot be done; the message says what and what to do.

    It is no ValueError, which the parser of the command line would take for its own.
    """


class DataError(UserError):
    """A data file is missing, damaged, or not what it should be."""

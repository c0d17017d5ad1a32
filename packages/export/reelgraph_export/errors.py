"""What a person reads when a folder cannot be exported."""


class ExportError(Exception):
    """The input is not what is needed: says what was expected, what was found, where, and the next step."""

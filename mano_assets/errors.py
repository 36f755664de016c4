"""The one exception that means: what the user gave cannot be used."""


class InputError(ValueError):
    """Something the user supplied is wrong.

    The message is a single sentence that names the field or file and says what was expected.
    The command line prints it without a traceback and ends with exit code 2.
    """

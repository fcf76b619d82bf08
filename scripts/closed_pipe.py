"""A reader that has gone away, as in ``placecell-data list | head -1``: no mistake, and nothing to say."""

import os
import sys

CODE = 141
"""What a shell calls a program that a closed pipe has ended: 128 and the number of SIGPIPE."""


def hush() -> int:
    """Sends what is still to be printed nowhere, so that the interpreter can end; returns :data:`CODE`."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return CODE

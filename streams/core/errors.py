"""Errors: the root of every exception that this program raises for people.

The message is for whoever runs the program: what is wrong and what to do about it, in one or two lines. The command line prints
it as it is, without a traceback, and exits with a status other than 0; a traceback therefore always means a defect of ours.
"""


class StreamsError(Exception):
    """Something that the person at the keyboard can put right."""

"""A listening socket, made before the server that will answer on it: a taken port is known before anything else has started."""

import socket


def listening(host: str, port: int) -> socket.socket:
    """Take an address; port 0 takes a free one. OSError where it is taken or not ours, socket.gaierror for an unknown host."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    made = socket.socket(family, kind, protocol)
    try:
        # A restart must not wait for connections of the last run; another server that listens still makes this fail.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(socket.SOMAXCONN)
    except OSError:
        made.close()
        raise
    return made

"""What an engine and the gateway host say to each other, over a connection that lasts as long as the gateway.

engine: ASK, with one end of the gateway's pipe and the end that its stderr is written to
host:   BEGUN, with a pidfd of the gateway, forked for this one engine
the connection closes: the gateway is killed, with all of its children
"""

import socket
import struct

ASK = b"a gateway, please"
BEGUN = struct.Struct("<I")
"""The process id of a gateway."""
_PEER = struct.Struct("3i")


def peer(connection: socket.socket) -> tuple[int, int]:
    """Process and user at the other end: of a socket that listens, those who had it listen last."""
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    process, user, _group = _PEER.unpack(told)
    return process, user

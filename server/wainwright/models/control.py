"""What an engine and the gateway host say to each other, over a connection that lasts as long as the gateway.

engine: ASK, with one end of the gateway's pipe and the end that its stderr is written to
host:   BEGUN, with a pidfd of the gateway, forked for this one engine
the connection closes: the gateway is killed, with all of its children
"""

import struct

ASK = b"a gateway, please"
BEGUN = struct.Struct("<I")
"""The process id of a gateway."""

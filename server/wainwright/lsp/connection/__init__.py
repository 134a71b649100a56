"""The wire: streams, JSON-RPC, requests in both directions, what the client can do, progress."""

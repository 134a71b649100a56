"""The wire forms of providers: how each is asked to stream, and how what comes makes one whole, sound answer."""

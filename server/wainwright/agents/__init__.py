"""The hand and the roles: ask, act, observe, until a typed answer."""

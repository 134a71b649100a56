"""The shell around the machine: performs effects, lands task branches, opens gates."""

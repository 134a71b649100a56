"""The command line. ``run`` works unattended and delivers a branch; ``--ask`` lets you decide at the gates."""

"""Where concrete adapters are named, and nowhere else: one workspace (`workspace`), and its daemon (`daemon`)."""

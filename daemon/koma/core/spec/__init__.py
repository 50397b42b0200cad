"""What people write, as models: one file per kind."""

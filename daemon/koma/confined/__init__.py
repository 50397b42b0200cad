"""Processes under limits, for work on what nobody can vouch for: templates, pictures, clips."""

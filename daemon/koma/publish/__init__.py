"""Objects, media files and the outputs folder."""

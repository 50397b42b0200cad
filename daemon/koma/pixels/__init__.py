"""Files to pixels, whole or not at all: pictures under limits, clips frame by frame. A library that adapters share; it knows no port."""

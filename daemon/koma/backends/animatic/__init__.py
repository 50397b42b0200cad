"""The embedded backend: storyboard panels and moving animatics, with no model and no GPU.

From the description inwards: `panel` reads it, `stage` composes a frame out of `sky`, `place`, `figure`, `particles` and `furniture`,
`frame` is the pure entry point, `worker` the process that draws, and `backend` the port.
"""

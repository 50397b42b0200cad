"""The embedded backend: storyboard panels, moving animatics and character sheets, with no model and no GPU.

From the description inwards: `panel` reads it, `stage` composes a frame out of `sky`, `place`, `figure`, `particles` and `furniture`,
`portrait` draws a pose of a character sheet, `frame` is the pure entry point, `worker` the process that draws, and `backend` the port.
"""

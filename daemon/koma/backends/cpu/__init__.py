"""The functions on the CPU as a backend: `join` puts the runs of a chain together, `match` moves colours towards a palette.

`document` reads what is asked for, `worker` is the process that does it, and `backend` the port.
"""

"""What backends on this machine share: `backend` keeps prompts, `process` runs a worker, `worker` is its loop, `fields` reads documents."""

"""One thin entry point a job: what the commands ``placecell-*`` call."""

"""Other programs' models, to be timed beside ours."""

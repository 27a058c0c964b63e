"""The commands of `lin-ft`, one file each: fields are the options, `run` does what the command's summary says."""

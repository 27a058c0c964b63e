"""One choice of the method a module, judged against the core matrix."""

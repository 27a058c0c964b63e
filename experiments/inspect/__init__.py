"""Measured claims of lin_ft.inspect: found label errors, dropped images, attribution, what to label next."""

"""A contact sheet: one row of examples a class, with the class names, as a PNG."""

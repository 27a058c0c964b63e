"""What the committed results were made by, run as `python -m experiments.FOLDER.NAME` from the root of a checkout."""

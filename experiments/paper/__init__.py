"""The paper's own table of 934 fine-tunings."""

"""What figures and ablations share."""

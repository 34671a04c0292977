"""What a stated confidence is worth: calibration and thresholds."""

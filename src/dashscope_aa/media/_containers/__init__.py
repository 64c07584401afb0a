"""What files say about themselves, read in plain Python and within bounds."""

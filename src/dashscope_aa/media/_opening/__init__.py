"""What may be opened, and how: here or at a URL, and with the one decoder for its format."""

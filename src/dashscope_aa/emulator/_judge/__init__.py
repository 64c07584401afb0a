"""The service's own opinion of pictures and clips, by its own table of limits."""

"""From anything a user hands over to its facts."""

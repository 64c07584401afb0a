"""From facts to findings, and to what mends them. Nothing is opened here."""

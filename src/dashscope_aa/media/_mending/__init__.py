"""Plans carried out: pictures and clips written anew."""

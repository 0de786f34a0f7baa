"""Request Tracker 5 over REST2."""

"""What is served now, and by what right: pairs of release and suite."""

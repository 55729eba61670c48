"""What the reference says, read from the sources it speaks of."""

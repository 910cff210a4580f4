"""What evaluation finds, what a model must beat, and pictures of sound."""

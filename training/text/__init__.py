"""From text, labels and pitch to linguistic features."""

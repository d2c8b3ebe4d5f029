"""What one loads onto a chip: descriptions that both halves read, and behaviour where a description is not enough."""

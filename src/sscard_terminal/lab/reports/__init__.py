"""What a run says about itself: JUnit XML, TAP 14, JSON lines, one HTML page."""

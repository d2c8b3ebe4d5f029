"""The centre: the bureau's side of loads and PIN services. It hears of cards and terminals through messages only."""

"""The explorer: a card's files as a tree one walks through, for any card as far as it lets itself be walked."""

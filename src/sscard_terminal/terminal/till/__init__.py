"""The till: one counter's conversation with one clerk and one holder, step by step, whatever face shows it."""

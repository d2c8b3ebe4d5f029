"""What the terminal says to people, in Chinese and English: the words, and which outcome is which sentence.

Below every face (cli, counter, driver, lab) and above the terminal; it decides nothing.
"""

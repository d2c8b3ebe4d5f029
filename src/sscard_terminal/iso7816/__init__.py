"""Values of ISO/IEC 7816: commands, answers, status words, TLV, ATR. No social security here."""

"""How espeak-ng speaks here, in the sample corpus and wherever a text is spoken."""

PEAK = 10 ** (-3 / 20)  # -3 dBFS
WORDS_PER_MINUTE = 160
VOICES = {"female": "en-us+f2", "male": "en-us"}

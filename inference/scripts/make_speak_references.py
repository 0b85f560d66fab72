"""Writes the references that MTOR's speaking model is tested against.

    pip install -r inference/scripts/requirements.txt
    python inference/scripts/make_speak_references.py

Phonemes, and seconds of sound, come from the `hibari-tts` package itself, with the files that it brings.
"""

import json
from pathlib import Path

from hibari import Hibari

FIXTURE = Path(__file__).resolve().parents[1] / "tests" / "fixtures" / "spoken.json"

# Read aloud, then written down again.
SENTENCES = [
    "The weather in Berlin is sunny today.",
    "Please close the window before you leave.",
    "She sells sea shells by the sea shore.",
    "The quick brown fox jumps over the lazy dog.",
    "I would like a cup of coffee with milk.",
    "Our train leaves the station at nine in the morning.",
    "He read the letter twice and put it away.",
    "The children are playing in the garden behind the house.",
    "Can you tell me the way to the nearest hospital?",
    "My brother works in a small bank near the river.",
    "It was raining when we arrived at the hotel.",
    "The museum is closed on Monday and Tuesday.",
    "They walked slowly along the beach after dinner.",
    "We need more time to finish this project.",
    "The doctor said that everything is fine.",
    "Music makes people happy in difficult times.",
    "There is a letter for you on the kitchen table.",
    "This computer understands what I say.",
    "You should drink more water in the summer.",
    "The answer to your question is very simple.",
]
# Phonemes alone.
TEXTS = [
    "Dr. Smith paid $9.99 on March 3rd, 2024, at 7:30 pm.",
    "J. K. Rowling wrote it. \"Really?\" he asked. Yes!",
    "The U.S. economy grew 2.5% in 1999 and 0.75% in 2005.",
    "I live in a live venue; they read what I read yesterday.",
    "He used to use used cars, but I'm used to it.",
    "NASA's HTML5 page isn't at www.example.com/a-b, is it?",
    "It costs £5, €20.50 or ¥300; that's 3/4 of 10km/h.",
    "Chapter IV: Henry VIII and Louis XIV, World War II.",
    "Call 555-1234 or 212-555-1234 between 9-5, No. 7.",
    "The A, an apple, the orange, the book: to eat, to read.",
    "well-known state-of-the-art e-mail re-entry co-operate",
    "naïve café résumé Müller Zürich São Paulo Kraków",
    "Flibbertigibbet zorpling quxotic Mxyzptlk blorf's",
    "1,234,567 people saw 21st-century 100th 1000 007 1900s.",
    "He's walking, talked, stopped, wanted, needed, hitting and lying.",
    "The boxes, buses, bushes and babies' toys were John's.",
    "\"Quoted\" (in brackets) — with a dash… and an ellipsis...",
    "At -5°C it's 23°F; 50% off @ 3 + 4 = 7 & more #1.",
    "USA UK AI GPU iPhone eBay McDonald O'Neill DON'T STOP",
    "Meet at 12:00, 00:05:01, 3:05 a.m. or 2024-05-06, 12/25/99.",
    "$1 $2.01 $0.50 $3 million £1.2bn 5k 1.0 kg 1 lb 2 lbs",
    "Mr. and Mrs. O'Brien, St. Paul, Prof. X, etc., e.g. this, i.e. that vs. those.",
    "To be, or not to be; to err is human. Let's go to it, TO IN THE AN A AM BY",
    "I am. Am I? I am tired. In or by? Stand by. Come in.",
    "The present was presented to present the record that they record.",
]

model = Hibari()
cases = []
for text in SENTENCES:
    phonemes = model.phonemize(text)
    seconds = sum(len(model.from_phonemes(part, seed=0)) for part in phonemes) / model.sample_rate
    cases.append({"text": text, "phonemes": phonemes, "seconds": round(seconds, 4)})
for text in TEXTS:
    cases.append({"text": text, "phonemes": model.phonemize(text)})
lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
FIXTURE.write_text(f"[\n{lines}\n]\n")
print(f"{FIXTURE}: {len(cases)} cases")

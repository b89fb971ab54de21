"""What every peer is asked: texts of a wanted length, and label lists of any length."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tokenizers import Tokenizer

SENTENCES = (
    "I ordered the grey coat three weeks ago and it still has not left your warehouse.",
    "The minister said on Tuesday that the new railway would open before the end of next year.",
    "Could you please tell me how to change the address on my account?",
    "Shares of the airline fell by nine percent after it warned of higher fuel costs.",
    "The battery lasts two days, which is more than I ever had from a phone.",
    "My invoice shows the same amount twice, and nobody answers at the number that you gave me.",
    "After the storm volunteers cleared fallen trees from more than forty roads in the valley.",
    "We loved the room with its view of the harbour, but breakfast was cold on both mornings.",
    "Researchers have found a faint signal that may come from the atmosphere of a distant planet.",
    "The update removed the button that I use most; is there any way to get it back?",
    "Her second novel follows a family of clockmakers through three wars and two continents.",
    "The home side scored twice in the last five minutes and stayed at the top of the league.",
    "Play the song that was on the radio this morning, and turn the volume down a little.",
    "Under the contract either party may end the agreement with a notice of sixty days.",
    "Stir the onions over a low flame until they are soft, then add the garlic and the wine.",
    "The museum closes at five, yet the queue at its gate did not move for an hour.",
    "A new vaccine against malaria protected four out of five children in a large trial.",
    "Thank you for the quick repair, the machine has run without a fault ever since.",
    "The central bank left its rate unchanged and hinted that a cut may follow in spring.",
    "Nobody told us that the parking was full, so we missed the first half of the concert.",
)

TOPICS = (
    *("billing", "delivery", "refund", "travel", "politics", "sports", "science", "health", "cooking", "music"),
    *("weather", "banking", "housing", "education", "gaming", "fashion", "law", "security", "insurance", "energy"),
)
KINDS = (
    *("complaint", "question", "praise", "news", "request", "warning", "announcement", "review", "advice", "rumour"),
)


def make_texts(tokenizer: Tokenizer, tokens: int, count: int) -> list[str]:
    """Return `count` texts of nearly `tokens` tokens (90 to 99 percent of them), the same ones each time."""
    draw = random.Random(tokens)
    texts = []
    for _ in range(count):
        target = round(tokens * draw.uniform(0.90, 0.99))
        # A sentence has more than ten tokens.
        text = " ".join(draw.choices(SENTENCES, k=1 + tokens // 10))
        _, end = tokenizer.encode(text, add_special_tokens=False).offsets[target - 3]
        texts.append(text[:end])
    return texts


def make_labels(count: int) -> Sequence[str]:
    """Return `count` labels, at most 200."""
    labels = [f"{topic} {kind}" for kind in KINDS for topic in TOPICS]
    assert count <= len(labels)
    return labels[:count]

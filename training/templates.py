"""Hypothesis templates, by what the labels of a set are.

A model that has met each label in one wording only learns the wording. Every training row draws its template from
here, so what is left to learn is the label. The templates that the development sets suggest are not among them.
"""

from __future__ import annotations

GENERIC = (
    "This example is {}.",
    "{}",
    "{}.",
    "The label is {}.",
    "The right category is {}.",
    "This is {}.",
    "It can be described as {}.",
    "The best answer is {}.",
    "This belongs to the class {}.",
)

BY_KIND: dict[str, tuple[str, ...]] = {
    "topic": (
        "The topic is {}.",
        "This text deals with {}.",
        "The subject of this passage is {}.",
        "It is about {}.",
        "This concerns {}.",
        "The text discusses {}.",
        "This is a piece on {}.",
        "The author writes about {}.",
        "Topic: {}",
    ),
    "intent": (
        "The intent is {}.",
        "The user's request concerns {}.",
        "The speaker is asking about {}.",
        "What the person wants: {}",
        "This message is about {}.",
        "The customer needs help with {}.",
        "The command is {}.",
        "The purpose of this utterance is {}.",
        "Intent: {}",
    ),
    "sentiment": (
        "The sentiment is {}.",
        "The tone of the text is {}.",
        "The writer's opinion is {}.",
        "This is a {} statement.",
        "The author feels {} about it.",
        "What is said here is {}.",
        "The overall impression is {}.",
        "Sentiment: {}",
    ),
    "emotion": (
        "The emotion is {}.",
        "The writer feels {}.",
        "The speaker shows {}.",
        "This message conveys {}.",
        "The mood is one of {}.",
        "Here someone expresses {}.",
        "The feeling behind these words is {}.",
        "Emotion: {}",
    ),
    "property": (
        "This text is {}.",
        "This statement is {}.",
        "What the author wrote is {}.",
        "This post is {}.",
        "The comment is {}.",
        "The language used here is {}.",
        "These words are {}.",
    ),
    "content": (
        "The text contains {}.",
        "There is {} in this post.",
        "This message is an instance of {}.",
        "What we see here is {}.",
        "This comment amounts to {}.",
    ),
    "answer": (
        "The answer to this question is {}.",
        "The question asks for {}.",
        "Whoever asks this wants to know {}.",
        "A reply would name {}.",
        "This is a question about {}.",
    ),
}

#: Under these a label that holds makes the hypothesis false, and one that does not makes it true.
NEGATED = (
    "This is not {}.",
    "This example is not {}.",
    "It is not about {}.",
    "The text has nothing to do with {}.",
    "{} is not the right category.",
)

"""A class of 45 minutes in the terminal: agreement, payment, refund, offline, double spend, audit.

Everything is simulated, in memory; all identity numbers are made up.  `--lang zh` tells it in Chinese,
`--answers` shows the answers, `--chapter offline` tells that one alone, and at a terminal every step waits
for Enter.
一堂 45 分钟的课：签约、缴款、退税、离线、双花、核验。全部为内存中的模拟，证件号码均为虚构。
"""

import argparse
import os
import sys

from ecny_tax import EcnyTaxError, yuan_text
from ecny_tax.scenarios.classroom import name_of, play
from ecny_tax.scenarios.classroom_model import Event, Lesson
from ecny_tax.scenarios.heshan import COMPANY
from ecny_tax.scenarios.lesson import Chapter, chapters, tour

WORDS = {
    "minutes": ("minutes", "分钟"),
    "look": ("Look at", "请看"),
    "ask": ("Ask", "提问"),
    "answer": ("Answer", "答"),
    "by_hand": ("QR code of {} characters", "二维码，{} 个字符"),
    "refused": ("refused", "被拒绝"),
    "waiting": ("Enter goes on …", "按回车继续……"),
}


class Narrator:
    """Tells a lesson in one language; ``waits`` for Enter after every step."""

    def __init__(self, lesson: Lesson, *, language: int, answers: bool, waits: bool) -> None:
        self.lesson = lesson
        self.language = language
        self.answers = answers
        self.waits = waits

    def say(self, english: str, chinese: str) -> str:
        """In the reader's language; what could move the cursor, as in a company's name, is spelled out."""
        text = (english, chinese)[self.language]
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)

    def word(self, key: str) -> str:
        return self.say(*WORDS[key])

    def chapter(self, number: int, chapter: Chapter, events: tuple[Event, ...]) -> None:
        title = self.say(chapter.title, chapter.title_zh)
        print(f"== {number}. {title} · {chapter.minutes} {self.word('minutes')} ==\n")
        print(self.say(chapter.say, chapter.say_zh), end="\n\n")
        for event, named in zip(events, chapter.titles, strict=True):
            self.event(event, self.say(*named))
            self.pause()
        print(f"{self.word('look')}:")
        for line in (chapter.look, chapter.look_zh)[self.language]:
            print(f"  - {line}")
        print()
        for question in chapter.questions:
            print(f"{self.word('ask')}: {self.say(question.ask, question.ask_zh)}")
            if self.answers:
                print(f"{self.word('answer')}: {self.say(question.answer, question.answer_zh)}")
            print()
        self.pause()

    def event(self, event: Event, named: str) -> None:
        refused = f" ({self.word('refused')}: {event.refusal.code})" if event.refusal else ""
        print(f"[{event.at:%H:%M}] {named}{refused}")
        for message in event.messages:
            way = " → ".join(self.say(*name_of(actor)) for actor in (message.sender, message.receiver))
            number = f" {message.number}" if message.number else ""
            by_hand = f" [{self.word('by_hand').format(len(message.text))}]" if message.text else ""
            print(f"  {way}{number}: {self.say(message.said, message.said_zh)}{by_hand}")
        for entry in event.entries:
            print(f"  #{entry.seq} {entry.debit_account} → {entry.credit_account} {yuan_text(entry.amount)}")
        print(f"  = {self.say(event.outcome, event.outcome_zh)}\n")

    def pause(self) -> None:
        if self.waits:
            input(f"{self.word('waiting')} ")


def main() -> int:
    parser = argparse.ArgumentParser(description="A class of 45 minutes in the terminal. 一堂 45 分钟的课。")
    parser.add_argument("--lang", choices=["en", "zh"], default="en")
    parser.add_argument("--answers", action="store_true", help="show the answers, too")
    parser.add_argument(
        "--chapter", choices=[chapter.key for chapter in chapters()], help="tell only this one"
    )
    parser.add_argument("--seed", type=int, default=7, help="other numbers, the same story")
    parser.add_argument("--company", default=COMPANY, help="what the company is called")
    parser.add_argument("--no-wait", action="store_true", help="do not wait for Enter")
    wishes = parser.parse_args()

    language = ["en", "zh"].index(wishes.lang)
    try:
        lesson = play(seed=wishes.seed, company=wishes.company, actions=tour())
    except EcnyTaxError as refusal:
        print(f"{refusal.message(wishes.lang)} ({refusal.code})", file=sys.stderr)
        return 2
    waits = not wishes.no_wait and sys.stdin.isatty() and sys.stdout.isatty()
    narrator = Narrator(lesson, language=language, answers=wishes.answers, waits=waits)
    begins = 0
    for number, chapter in enumerate(chapters(), start=1):
        ends = begins + len(chapter.actions)
        if wishes.chapter in (None, chapter.key):
            narrator.chapter(number, chapter, lesson.events[begins:ends])
        begins = ends
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, EOFError):
        print()
        sys.exit(130)
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""How a refusal leaves the command line: one or two lines, or an RFC 9457 object, and an exit code."""

from __future__ import annotations

import json
import sys
from contextlib import suppress

from ecny_tax.errors import (
    ConflictError,
    EcnyTaxError,
    InvalidInputError,
    Language,
    NotFoundError,
    RejectedError,
    UnavailableError,
    VerificationError,
    in_language,
    system_reason,
)

EXIT_BUG = 1
EXIT_USAGE = 2
EXIT_VERIFICATION = 6
EXIT_INTERRUPTED = 130

#: Class → exit code and title; the one table of this edge.
EDGE = {
    InvalidInputError: (EXIT_USAGE, "Invalid input", "输入有误"),
    RejectedError: (3, "Rejected by a rule", "按规则拒绝"),
    NotFoundError: (4, "Not found", "未找到"),
    ConflictError: (5, "Conflict", "冲突"),
    VerificationError: (EXIT_VERIFICATION, "Does not verify", "核验不通过"),
    UnavailableError: (7, "Unavailable", "暂不可用"),
}


def report_unwritable_output(error: OSError, *, as_json: bool = False, language: str = "en") -> int:
    """A full disk, say, behind standard output: what was asked is done, and only the answer is lost.

    Of standard output the system gives no name; what it names is a file, such as one that completion is
    installed in.
    """
    refusal = UnavailableError("answer_lost", reason=system_reason(error))
    if error.filename is not None:
        refusal = UnavailableError("output_unwritable", path=error.filename, reason=system_reason(error))
    with suppress(OSError):
        sys.stdout.close()  # what it still holds must not be tried again at exit
    return report(refusal, as_json=as_json, language=language)


def report(error: EcnyTaxError, *, as_json: bool, language: str) -> int:
    """Write the refusal to stderr and return its exit code."""
    chosen: Language = "zh" if language == "zh" else "en"
    exit_code, title_en, title_zh = EDGE[type(error)]
    if as_json:
        problem = {
            "type": f"urn:ecny-tax:error:{error.code}",
            "title": title_zh if chosen == "zh" else title_en,
            "detail": error.message(chosen),
            "code": error.code,
            "hint": error.hint_in(chosen),
            "exit_code": exit_code,
        }
        extra = {key: in_language(value, chosen) for key, value in error.values.items() if key not in problem}
        text = json.dumps(problem | extra, ensure_ascii=False)
    else:
        text = f"{error.message(chosen)} ({error.code})\n{error.hint_in(chosen)}"
    print(text.encode("utf-8", "backslashreplace").decode(), file=sys.stderr)
    return exit_code

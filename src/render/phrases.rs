//! What several formats say in the same words.

use std::fmt::Write;

use crate::vocabulary::{Host, Report, Row, Sentence, Strength, Tally, Truth, Verdict};

/// What the mark in front of a property means.
pub(super) const USUAL: &str = "~ typical, guaranteed by no standard";

/// The heads of a table that sums up lessons.
pub(super) const TALLY: [&str; 6] = ["Lesson", "Rows", "Match", "Differ", "Skipped", "Info"];

/// `7 of 7 as expected on Linux 6.18`, and what was not judged.
pub(super) fn summary(tally: Tally, host: &Host) -> String {
    let mut text = format!("{} of {} as expected on {}", tally.matching, tally.judged(), host.short());
    for (count, what) in [(tally.skipped, "skipped"), (tally.info, "measured")] {
        if count > 0 {
            let _ = write!(text, "; {count} {what}");
        }
    }
    text
}

/// Whether a row is marked as one that nobody promises.
pub(super) fn has_usual(report: &Report) -> bool {
    report.rows().any(is_typical)
}

/// Whether nobody promises what a row says. A number that is only measured promises nothing anyhow.
pub(super) fn is_typical(row: &Row) -> bool {
    row.strength == Strength::Usual && row.verdict != Verdict::Info
}

/// `text`, marked where it `is` only typical.
pub(super) fn typical(text: &str, is: bool) -> String {
    if is { format!("~ {text}") } else { text.to_owned() }
}

/// The property; `~` marks what nobody promises. A number that is only measured promises nothing anyhow.
pub(super) fn property(property: &str, strength: Strength, measured: bool) -> String {
    typical(property, strength == Strength::Usual && !measured)
}

/// The verdict, with the reason where there is one.
pub(super) fn verdict(row: &Row) -> String {
    let word = row.verdict.word();
    row.reason.as_ref().map_or_else(|| word.to_owned(), |reason| format!("{word}: {reason}"))
}

/// The numbers below the heads of [`TALLY`], all but the name.
pub(super) fn counts(tally: Tally) -> [usize; 5] {
    [tally.rows(), tally.matching, tally.differing, tally.skipped, tally.info]
}

/// The right answer to the question that comes before the run, unless this system answered otherwise.
pub(super) fn right_answer(report: &Report) -> String {
    match report.guessed() {
        Some(row) if row.verdict == Verdict::Differs => {
            "This system answers otherwise than expected: see the table.".to_owned()
        }
        _ => format!("Right is {}", report.guess.answer(report.guess.right)),
    }
}

/// What was observed of that question.
pub(super) fn observed(row: &Row) -> String {
    format!("Observed: {}: {}", row.property, row.observed)
}

/// The sources in the order in which they are first cited.
pub(super) fn each_once<T: PartialEq>(cited: impl Iterator<Item = T>) -> Vec<T> {
    let mut once = Vec::new();
    for one in cited {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

/// Why a sentence has its verdict: what holds exactly, or the rows that keep it from being judged.
pub(super) fn because(sentence: Sentence, truth: Truth, rows: &[Row]) -> String {
    if truth.is_settled() {
        return sentence.exact.to_owned();
    }
    let open = sentence.unsettled_by(rows).into_iter().map(|row| match row.verdict {
        Verdict::Differs => format!("{}: {}", row.property, both_values(row)),
        _ => row.reason.as_deref().unwrap_or("not all of it was run").trim_end_matches('.').to_owned(),
    });
    each_once(open).join("; ") + "."
}

/// Both values of a row that differs.
pub(super) fn both_values(row: &Row) -> String {
    format!("expected {}, observed {}", row.expected, row.observed)
}

/// The verdict on so many sentences, as the end of a sentence.
pub(super) fn said_of(truth: Truth, count: usize) -> &'static str {
    match (truth, count) {
        (Truth::Holds, 1) => "holds",
        (Truth::Holds, _) => "hold",
        (Truth::Loosely, 1) => "holds loosely",
        (Truth::Loosely, _) => "hold loosely",
        (Truth::NotAsPut, 1) => "does not hold as put",
        (Truth::NotAsPut, _) => "do not hold as put",
        (Truth::NotAsExpected, 1) => "is not as expected here",
        (Truth::NotAsExpected, _) => "are not as expected here",
        (Truth::NotObserved, 1) => "was not observed here",
        (Truth::NotObserved, _) => "were not observed here",
    }
}

/// `1`; `1 and 2`; `1, 2 and 3`.
pub(super) fn listed(texts: &[String]) -> String {
    match texts {
        [] => String::new(),
        [only] => only.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

//! What several formats say in the same words.

use std::fmt::Write;

use crate::vocabulary::{Answer, Machine, Report, Row, Sentence, Strength, Tally, Truth, Verdict};

/// What the mark in front of a property means.
pub(super) const TYPICAL: &str = "~ typical, guaranteed by no standard";

/// The heads of a table that sums up lessons.
pub(super) const TALLY: [&str; 6] = ["Lesson", "Rows", "Match", "Differ", "Skipped", "Info"];

/// `7 of 7 rows as expected`, and how many could not be observed.
pub(super) fn rows_as_expected(tally: Tally) -> String {
    if tally.judged() == 0 && tally.skipped > 0 {
        return format!("No row could be observed, {} skipped", tally.skipped);
    }
    let skipped = if tally.skipped > 0 { format!(", {} skipped", tally.skipped) } else { String::new() };
    format!("{} of {} rows as expected{skipped}", tally.matching, tally.judged())
}

/// `7 of 7 rows as expected on Linux 6.18`, and what was not judged.
pub(super) fn summary(tally: Tally, host: &Machine) -> String {
    let mut text = format!("{} of {} rows as expected on {}", tally.matching, tally.judged(), host.short());
    for (count, what) in [(tally.skipped, "skipped"), (tally.info, "measured")] {
        if count > 0 {
            let _ = write!(text, "; {count} {what}");
        }
    }
    text
}

/// The answer, made of what was observed; that a row which it rests on differs comes first.
pub(super) fn answered(answer: &Answer<'_>) -> String {
    let named = |rows: Vec<&Row>| {
        let names: Vec<String> = rows.iter().map(|row| format!("\"{}\"", row.property)).collect();
        format!("{} {}", if names.len() == 1 { "row" } else { "rows" }, names.join(", "))
    };
    let (differing, skipped): (Vec<_>, Vec<_>) = (answer.differing().collect(), answer.skipped().collect());
    let text = match skipped.first() {
        None => answer.text.clone(),
        Some(row) if answer.text.is_empty() || answer.is_unseen() => {
            format!("Not observed here: {}", ended(reason(row)))
        }
        Some(_) => format!("{} Not observed here: {}.", answer.text, named(skipped)),
    };
    match differing.is_empty() {
        true => text,
        false => format!("NOT as expected: {text} See {}.", named(differing)),
    }
}

/// Why a row was skipped, for the middle of a sentence: an error's words may be a sentence themselves.
fn reason(row: &Row) -> &str {
    row.reason.as_deref().unwrap_or("the row was skipped").trim_end_matches('.')
}

/// A sentence with its full stop, where it is no question.
fn ended(sentence: &str) -> String {
    let stop = if sentence.ends_with('?') { "" } else { "." };
    format!("{sentence}{stop}")
}

/// Whether a row is marked as one that nobody promises.
pub(super) fn has_typical(report: &Report) -> bool {
    report.rows().any(is_typical)
}

/// Whether nobody promises what a row says. A number that is only measured promises nothing anyhow.
pub(super) fn is_typical(row: &Row) -> bool {
    row.strength == Strength::Typical && row.verdict != Verdict::Info
}

/// `text`, marked where it `is` only typical.
pub(super) fn typical(text: &str, is: bool) -> String {
    if is { format!("~ {text}") } else { text.to_owned() }
}

/// The property; `~` marks what nobody promises. A number that is only measured promises nothing anyhow.
pub(super) fn property(property: &str, strength: Strength, measured: bool) -> String {
    typical(property, strength == Strength::Typical && !measured)
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

/// What came of the question that is put before a run, in lines; `said` is the place of the answer that somebody gave,
/// and `program` calls the program again. Nobody is called right or wrong where this system answers otherwise than
/// expected, or the answer was not observed.
pub(super) fn outcome(report: &Report, said: Option<usize>, program: &str) -> Vec<String> {
    let guess = &report.guess;
    let mut lines: Vec<String> = said.map(|place| format!("You said {}", guess.answer(place))).into_iter().collect();
    let Some(rows) = report.deciding(said) else {
        let whole = format!("{program} {} --predict", report.lesson);
        lines.push(format!("The scenes that ran do not hold the row that answers the question. All of them: {whole}"));
        return lines;
    };
    let unexpected = rows.iter().find(|row| matches!(row.verdict, Verdict::Differs | Verdict::Skipped));
    let row = unexpected.unwrap_or(&rows[0]);
    let Row { observed, expected, .. } = row;
    let named = named_on_screen(report, row);
    match row.verdict {
        Verdict::Differs => lines.push(format!(
            "Observed: {observed}, in the row {named}. Expected was {expected}: this system answers otherwise, so nobody is called \
             right or wrong."
        )),
        Verdict::Skipped => {
            let reason = reason(row);
            lines.push(format!("Not observed here: {reason} (row {named}). So nobody is called right or wrong."));
        }
        Verdict::Match | Verdict::Info => {
            let right = match said {
                Some(place) if place == guess.right() => "That is right.".to_owned(),
                _ => format!("Right is {}", guess.answer(guess.right())),
            };
            lines.push(format!("Observed: {observed}, in the row {named}. {right}"));
            lines.push(format!("Because {}", guess.because));
        }
    }
    lines
}

/// The title of a row as the screen has it; and the scene, where the screen of the whole lesson does not show the row.
fn named_on_screen(report: &Report, row: &Row) -> String {
    let scene = report.scenes.iter().find(|scene| scene.row(&row.id).is_some());
    let title = match &row.beside {
        Some(beside) => format!("[{}], column {}", beside.property, beside.protocol.name()),
        None => format!("[{}]", row.property),
    };
    match scene {
        Some(scene) if row.beside.is_none() && !report.keys.contains(&row.id.as_str()) => {
            format!("{title} (--scene {})", scene.number)
        }
        _ => title,
    }
}

/// What is named, in the order in which it is first named.
pub(crate) fn each_once<T: PartialEq>(cited: impl Iterator<Item = T>) -> Vec<T> {
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
    ended(&each_once(open).join("; "))
}

/// Both values of a row that differs.
pub(super) fn both_values(row: &Row) -> String {
    format!("expected {}, observed {}", row.expected, row.observed)
}

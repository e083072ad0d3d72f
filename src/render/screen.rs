//! What a class sees: the question, the ladder of the scene that answers it, the answer, and the rows that it rests on. All of
//! it is still there when the prompt is back.

use super::phrases::{USUAL, has_usual, rows_as_expected};
use super::sheet::{Notes, Sheet};
use super::table::{HEADER, add, answer, happened, heading, line, note};
use super::{RenderOptions, Results, ladder, sentences, together};
use crate::vocabulary::{Host, Report, Row, Verdict};

/// Lines of a screen with so many columns, where what is asked for fits one.
fn lines_of_a_screen(options: RenderOptions) -> usize {
    match options.width {
        _ if options.why => usize::MAX,
        0..60 => usize::MAX,
        60..80 => 32,
        80.. => 28,
    }
}

/// A blank line above and below a ladder.
const AROUND_A_LADDER: usize = 2;

/// One lesson on one screen. A row that differs, and a scene that could not run, are shown whatever that costs.
pub(super) fn report(report: &Report, results: &Results<'_>) -> String {
    let options = results.options;
    let mut text = question(report, options);
    let sentences = sentences::all(report, options);
    let below = below_the_picture(report, results, sentences.is_none());
    if let Some(sentences) = &sentences {
        text.push_str(sentences);
    } else if options.ladder
        && let Some(scene) = report.key_scene()
    {
        let others = text.lines().count() + below.lines().count() + AROUND_A_LADDER;
        let room = lines_of_a_screen(options).saturating_sub(others);
        if let Some(picture) = ladder::brief(scene, room, options) {
            text.push_str(&format!("\n{picture}\n"));
        }
    }
    text + &below
}

/// The answer, the rows that it rests on where `with_rows`, and the way to more.
fn below_the_picture(report: &Report, results: &Results<'_>, with_rows: bool) -> String {
    let options = results.options;
    let mut text = answer(report.answered(), options);
    // Where there are sentences, the key rows stand below them.
    let keys = report.key_rows().filter(|_| with_rows);
    text.push_str(&rows(&with_differing(keys, report), options));
    text.push_str(&troubles(report, options));
    line(&mut text, &options.wrap(&counts(report, results.host), ""));
    if options.why {
        line(&mut text, &options.wrap(&format!("Why: {}", report.why), ""));
    }
    let next = together(&format!("Next: {} {}", results.invocation.again, report.next));
    line(&mut text, &options.wrap(&format!("{} {} {next}", scenes(report), together("All: --full.")), ""));
    text
}

/// One lesson among all: its question, its answer, and what was not as expected.
pub(super) fn entry(report: &Report, results: &Results<'_>) -> String {
    let options = results.options;
    let mut text = question(report, options);
    text.push_str(&sentences::in_brief(report, options));
    text.push_str(&answer(report.answered(), options));
    text.push_str(&rows(&with_differing([], report), options));
    text.push_str(&troubles(report, options));
    line(&mut text, &options.wrap(&rows_as_expected(report.tally()), ""));
    text
}

/// What stands below the entries of several lessons.
pub(super) fn end(results: &Results<'_>) -> String {
    let sum = results.reports.iter().map(Report::tally).sum();
    let again = &results.invocation.again;
    let command = |arguments: &str| together(&format!("{again} {arguments}"));
    let more = format!("One lesson: {}. All rows: {}", command(results.reports[0].lesson), command("all --full"));
    let sentence = format!("all: {} on {}. {more}", rows_as_expected(sum), results.host.short());
    results.options.wrap(&sentence, "") + "\n"
}

fn question(report: &Report, options: RenderOptions) -> String {
    heading(&format!("{}: {}", report.lesson, report.question), options)
}

/// `rows`, and after them all others that differ.
fn with_differing<'r>(rows: impl IntoIterator<Item = &'r Row>, report: &'r Report) -> Vec<&'r Row> {
    let mut shown: Vec<&Row> = rows.into_iter().collect();
    for row in report.rows().filter(|row| row.verdict == Verdict::Differs) {
        if !shown.iter().any(|known| known.id == row.id) {
            shown.push(row);
        }
    }
    shown
}

/// The table of these rows, and their notes; nothing where there are none.
fn rows(rows: &[&Row], options: RenderOptions) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let notes = Notes::of(rows.iter().filter_map(|row| note(row)));
    let mut sheet = Sheet::new(options, &HEADER);
    sheet.scene("");
    rows.iter().for_each(|row| add(&mut sheet, row, &notes));
    let tables = sheet.tables(1..3).into_iter().map(|(_, table)| table + "\n");
    tables.collect::<String>() + &notes.lines(options)
}

/// The scenes that could not run, and what else happened.
fn troubles(report: &Report, options: RenderOptions) -> String {
    let stopped = report.scenes.iter().filter_map(|scene| Some((scene, scene.stopped.as_deref()?)));
    let stopped = stopped.map(|(scene, reason)| format!("Scene {} could not run: {reason}", scene.number));
    let stopped: String = stopped.map(|sentence| options.wrap(&sentence, "    ") + "\n").collect();
    stopped + &happened(report, options)
}

/// How many rows were as expected, and what the mark in front of some means.
fn counts(report: &Report, host: &Host) -> String {
    // On a line of its own where both do not fit: it is no end of the sentence before it.
    let mark = if has_usual(report) { format!("  {}", together(USUAL)) } else { String::new() };
    format!("{}: {} on {}.{mark}", report.lesson, rows_as_expected(report.tally()), together(&host.short()))
}

/// What else there is to see.
fn scenes(report: &Report) -> String {
    let names: Vec<String> =
        report.scenes.iter().map(|scene| together(&format!("{} {}", scene.number, scene.id))).collect();
    format!("Scenes ({}): {}.", together("--scene N"), names.join(", "))
}

//! Reports as tables for people.

use std::fmt::Write;

use comfy_table::{Cell, Color};

use super::phrases::{self, TALLY, USUAL, counts, has_usual, property, summary};
use super::picture::{Extent, Picture};
use super::sheet::{self, BOLD, Notes, Sheet};
use super::{Detail, RenderOptions, Results, ladder, screen, trace};
use crate::vocabulary::{Choice, Host, Report, Row, Verdict};

/// Every lesson of a run, with the calls where they are asked for; of several, the sums below.
pub fn reports(results: &Results<'_>) -> String {
    let Results { host, options, .. } = *results;
    let sum = results.sum();
    let one = |each: &Report| {
        let by_itself = [each.lesson.to_owned()];
        let arguments = if sum.is_some() { &by_itself } else { results.arguments };
        let calls = if results.trace { format!("\n{}", trace::text(each, options)) } else { String::new() };
        report(each, host, arguments, options) + &calls
    };
    let text = results.reports.iter().map(one).collect::<Vec<_>>().join("\n");
    match sum {
        Some(_) => format!("{text}\n{}", tallies(results)),
        None => text,
    }
}

/// One lesson; `arguments` are those that make `udp-lab` run it again.
fn report(report: &Report, host: &Host, arguments: &[String], options: RenderOptions) -> String {
    match options.detail {
        Detail::Answer => screen::report(report, host, options),
        Detail::Scenes | Detail::Full => every_scene(report, host, arguments, options),
    }
}

/// One lesson: the question, each scene with its ladder and all its rows, the answer, the summary, notes, why, how to check
/// it from outside, and what to run next.
fn every_scene(report: &Report, host: &Host, arguments: &[String], options: RenderOptions) -> String {
    let mut text = heading(&format!("{}: {}", report.lesson, report.question), options);
    let notes = Notes::of(report.rows().filter_map(note));
    for (scene, (title, table)) in report.scenes.iter().zip(tables(report, &notes, options)) {
        text.push('\n');
        text.push_str(&heading(&format!("{}: {title}", scene.id), options));
        if options.ladder
            && let Some(picture) = Picture::of_scene(scene, Extent::of(options.detail))
        {
            text.push_str(&ladder::draw(&picture, options));
        }
        line(&mut text, &table);
    }
    text.push('\n');
    text.push_str(&answer(report, options));
    line(&mut text, &options.wrap(&summary(report.tally(), host), ""));
    if has_usual(report) {
        line(&mut text, USUAL);
    }
    text.push_str(&notes.lines(options));
    for note in report.notes() {
        line(&mut text, &options.wrap(&format!("Note: {note}."), "    "));
    }
    text.push('\n');
    if options.why {
        line(&mut text, &options.wrap(&format!("Why: {}", report.why), ""));
    }
    if options.detail == Detail::Full {
        line(&mut text, &trace::check(host.os, arguments, options));
    }
    line(&mut text, &format!("Next: udp-lab {}", report.next));
    text
}

/// The answer in bold, made of what was observed; where a row that it rests on differs, that comes first. Nothing, where the
/// scenes that it rests on were not run.
pub(super) fn answer(report: &Report, options: RenderOptions) -> String {
    if report.key_rows().count() < report.keys.len() {
        return String::new();
    }
    let (answer, wrong) = report.answered();
    let said = match wrong.iter().map(|row| format!("\"{}\"", row.property)).collect::<Vec<_>>() {
        none if none.is_empty() => answer,
        rows if wrong.iter().all(|row| row.verdict == Verdict::Skipped) => {
            format!("Not all of it could be observed here (see {}): {answer}", rows.join(", "))
        }
        rows => format!("NOT as expected (see {}): {answer}", rows.join(", ")),
    };
    heading(&said, options)
}

/// What was said before the run, and what came of it.
pub fn outcome(choice: Choice, report: &Report, options: RenderOptions) -> String {
    let said = match choice {
        Choice::Said(place) => Some(place),
        Choice::Silent => None,
    };
    phrases::outcome(report, said).iter().map(|line| options.wrap(line, "    ") + "\n").collect()
}

/// The verdicts of several lessons, a line each.
pub fn tallies(results: &Results<'_>) -> String {
    let options = results.options;
    let sum = results.reports.iter().map(Report::tally).sum();
    let mut table = sheet::empty(options, &TALLY);
    for report in results.reports {
        let mut row = vec![Cell::new(report.lesson)];
        row.extend(
            counts(report.tally()).map(|count| Cell::new(count).set_alignment(comfy_table::CellAlignment::Right)),
        );
        table.add_row(row);
    }
    let mut text = heading("all: every lesson", options);
    line(&mut text, &table.to_string());
    line(&mut text, &options.wrap(&summary(sum, results.host), ""));
    text
}

/// Names with their texts beside them, without frames: the list of lessons.
pub fn beside(rows: &[(&str, &str)], options: RenderOptions) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
    let indent = " ".repeat(width);
    rows.iter().map(|(name, text)| options.wrap(&format!("{name:width$}{text}"), &indent) + "\n").collect()
}

/// A table of names and texts, such as the list of lessons or the totals of a server.
pub fn pairs(header: [&str; 2], rows: &[(String, String)], options: RenderOptions) -> String {
    let mut table = sheet::empty(options, &header);
    for (name, value) in rows {
        table.add_row([options.text(name), options.text(value)]);
    }
    table.to_string() + "\n"
}

pub(crate) fn heading(text: &str, options: RenderOptions) -> String {
    let wrapped = options.wrap(text, "");
    format!("{BOLD}{wrapped}{BOLD:#}\n")
}

pub(super) fn line(text: &mut String, line: &str) {
    let _ = writeln!(text, "{line}");
}

/// The table of each scene, with its title.
fn tables<'r>(report: &'r Report, notes: &Notes, options: RenderOptions) -> Vec<(&'r str, String)> {
    let mut sheet = Sheet::new(options, &HEADER);
    for scene in &report.scenes {
        sheet.scene(&scene.title);
        scene.rows.iter().for_each(|row| add(&mut sheet, row, notes));
    }
    sheet.tables(1..3)
}

pub(super) const HEADER: [&str; 4] = ["Property", "Expected", "Observed", "Verdict"];

/// Adds a row, with the number of its note.
pub(super) fn add(sheet: &mut Sheet<'_>, row: &Row, notes: &Notes) {
    let verdict = notes.marked(row.verdict.word(), note(row).as_deref());
    sheet.row([
        sheet.cell(&property(&row.property, row.strength, row.verdict == Verdict::Info)),
        sheet.cell(&row.expected),
        sheet.cell(&row.observed),
        Cell::new(verdict).fg(colour(row.verdict)),
    ]);
}

/// What a row says below the table.
pub(super) fn note(row: &Row) -> Option<String> {
    row.reason.as_ref().map(|reason| format!("{}: {reason}", row.verdict.word()))
}

/// Dark colours, which can be read on white as well; the word stands beside them in any case.
fn colour(verdict: Verdict) -> Color {
    match verdict {
        Verdict::Match => Color::DarkGreen,
        Verdict::Differs => Color::DarkRed,
        Verdict::Skipped => Color::DarkYellow,
        Verdict::Info => Color::DarkBlue,
    }
}

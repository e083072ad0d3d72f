//! Reports as tables for people.

use std::fmt::Write;

use comfy_table::{Cell, Color};

use super::phrases::{self, TALLY, TYPICAL, answered, counts, has_typical, property, summary};
use super::picture::{Extent, Picture};
use super::sheet::{self, BOLD, LEAST_FOR_FRAMES, Notes, Sheet};
use super::{Detail, RenderOptions, Results, ladder, screen, sentences, side_by_side, trace};
use crate::vocabulary::{Answer, Choice, Report, Row, Verdict};

/// Every lesson of a run, with the calls where they are asked for; of several, the sums below.
pub fn reports(results: &Results<'_>) -> String {
    let several = results.reports.len() > 1;
    let one = |each: &Report| {
        let own = [each.lesson.to_owned()];
        let arguments = if several { &own } else { results.arguments };
        let text = match results.options.detail {
            Detail::Answer if several => screen::entry(each, results),
            Detail::Answer => screen::report(each, results),
            Detail::Scenes | Detail::Full => every_scene(each, &Results { arguments, ..*results }),
        };
        let calls = if results.trace { format!("\n{}", trace::text(each, results.options)) } else { String::new() };
        text + &calls
    };
    let text = results.reports.iter().map(one).collect::<Vec<_>>().join("\n");
    match results.options.detail {
        Detail::Answer if several => format!("{text}\n{}", screen::end(results)),
        Detail::Scenes | Detail::Full if several => format!("{text}\n{}", tallies(results)),
        Detail::Answer | Detail::Scenes | Detail::Full => text,
    }
}

/// One lesson: the question, each scene with its ladder, its answer and all its rows, the answer to the question, the
/// summary, notes, why, how to check it from outside, and what to run next.
fn every_scene(report: &Report, results: &Results<'_>) -> String {
    let options = results.options;
    let full = options.detail == Detail::Full;
    let mut text = heading(&format!("{}: {}", report.lesson, report.question), options);
    let notes = Notes::of(report.rows().filter_map(note));
    for (scene, table) in report.scenes.iter().zip(tables(report, &notes, options)) {
        text.push('\n');
        text.push_str(&sentences::scene_heading(scene, options));
        if options.ladder
            && let Some(picture) = Picture::of_scene(scene, Extent::of(options.detail))
        {
            text.push_str(&ladder::draw(&picture, options));
        }
        text.push_str(&answer(scene.answered(), options));
        line(&mut text, &table);
    }
    text.push('\n');
    if full {
        text.push_str(&answer(report.answered(), options));
    }
    line(&mut text, &options.wrap(&summary(report.tally(), results.host), ""));
    if has_typical(report) {
        line(&mut text, TYPICAL);
    }
    text.push_str(&notes.lines(options));
    text.push_str(&happened(report, options));
    if options.why {
        line(&mut text, &options.wrap(&format!("Why: {}", report.why), ""));
    }
    if full {
        line(&mut text, &trace::check(results.host.os, &results.invocation.path, results.arguments, options));
    }
    line(&mut text, &options.wrap(&format!("Next: {} {}", results.invocation.again, report.next), ""));
    text
}

/// What else happened in a run, such as that somebody else sent something.
pub(super) fn happened(report: &Report, options: RenderOptions) -> String {
    report.notes().into_iter().map(|note| options.wrap(&format!("Note: {note}."), "    ") + "\n").collect()
}

/// The answer in bold, made of what was observed; that a row which it rests on differs comes first.
pub(super) fn answer(answer: Option<Answer<'_>>, options: RenderOptions) -> String {
    answer.map_or_else(String::new, |answer| heading(&answered(&answer), options))
}

/// What was said before the run, and what came of it.
pub fn outcome(choice: Choice, report: &Report, results: &Results<'_>) -> String {
    let said = match choice {
        Choice::Said(place) => Some(place),
        Choice::Silent => None,
    };
    let lines = phrases::outcome(report, said, &results.invocation.again);
    lines.iter().map(|line| results.options.wrap(line, "    ") + "\n").collect()
}

/// The verdicts of several lessons, a line each.
pub fn tallies(results: &Results<'_>) -> String {
    let options = results.options;
    let sum = results.reports.iter().map(Report::tally).sum();
    let mut text = heading("all: every lesson", options);
    if options.width < LEAST_FOR_FRAMES {
        for report in results.reports {
            let row: Vec<String> = counts(report.tally()).map(|count| count.to_string()).into();
            text.push_str(&in_lines(&TALLY, &[vec![report.lesson.to_owned()], row].concat(), options));
        }
    } else {
        let mut table = sheet::empty(options, &TALLY);
        for report in results.reports {
            let right = |count| Cell::new(count).set_alignment(comfy_table::CellAlignment::Right);
            table.add_row([Cell::new(report.lesson)].into_iter().chain(counts(report.tally()).map(right)));
        }
        line(&mut text, &table.to_string());
    }
    line(&mut text, &options.wrap(&summary(sum, results.host), ""));
    text
}

/// Names with their texts beside them, without frames.
pub fn beside(rows: &[(&str, &str)], options: RenderOptions) -> String {
    lines_beside(rows, name_width(rows), options)
}

/// The same in parts under headings: the list of lessons.
pub fn parts(parts: &[(&str, Vec<(&str, &str)>)], options: RenderOptions) -> String {
    let width = parts.iter().map(|(_, rows)| name_width(rows)).max().unwrap_or(0);
    parts.iter().map(|(title, rows)| heading(title, options) + &lines_beside(rows, width, options)).collect()
}

fn name_width(rows: &[(&str, &str)]) -> usize {
    rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2
}

fn lines_beside(rows: &[(&str, &str)], width: usize, options: RenderOptions) -> String {
    let indent = " ".repeat(width);
    rows.iter().map(|(name, text)| options.wrap(&format!("{name:width$}{text}"), &indent) + "\n").collect()
}

/// A table of names and texts, such as the list of lessons or the totals of a server.
pub fn pairs(header: [&str; 2], rows: &[(String, String)], options: RenderOptions) -> String {
    grid(&header, rows.iter().map(|(name, value)| [name.as_str(), value.as_str()]), options)
}

/// A table with a header and any number of columns.
pub fn grid<const N: usize>(
    header: &[&str; N],
    rows: impl IntoIterator<Item = [impl AsRef<str>; N]>,
    options: RenderOptions,
) -> String {
    if options.width < LEAST_FOR_FRAMES {
        return rows.into_iter().map(|row| in_lines(header, &row, options)).collect();
    }
    let mut table = sheet::empty(options, header);
    for row in rows {
        table.add_row(row.map(|cell| options.text(cell.as_ref()).into_owned()));
    }
    table.to_string() + "\n"
}

/// A row without frames: the first cell, and behind it the others, each with its title where it has one.
pub(super) fn in_lines(header: &[impl AsRef<str>], row: &[impl AsRef<str>], options: RenderOptions) -> String {
    let others = header.iter().zip(row).skip(1).map(|(title, cell)| match title.as_ref() {
        "" => cell.as_ref().to_owned(),
        title => format!("{title} {}", cell.as_ref()),
    });
    let first = row.first().map_or("", AsRef::as_ref);
    options.wrap(&format!("{first}: {}", others.collect::<Vec<_>>().join(", ")), "  ") + "\n"
}

pub(crate) fn heading(text: &str, options: RenderOptions) -> String {
    heading_under(text, "", options)
}

/// A heading whose further lines stand under `indent`.
pub(super) fn heading_under(text: &str, indent: &str, options: RenderOptions) -> String {
    let wrapped = options.wrap(text, indent);
    format!("{BOLD}{wrapped}{BOLD:#}\n")
}

pub(super) fn line(text: &mut String, line: &str) {
    let _ = writeln!(text, "{line}");
}

/// The table of each scene.
fn tables(report: &Report, notes: &Notes, options: RenderOptions) -> Vec<String> {
    if side_by_side::fits(report) {
        return side_by_side::tables(report, notes, options);
    }
    let mut sheet = Sheet::new(options, &HEADER);
    for scene in &report.scenes {
        sheet.scene(&scene.title);
        scene.rows.iter().for_each(|row| add(&mut sheet, row, notes));
    }
    sheet.tables(1..3).into_iter().map(|(_, table)| table).collect()
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

/// The note of a row that was skipped for this reason.
pub(super) fn skipped_for(reason: &str) -> String {
    format!("{}: {reason}", Verdict::Skipped.word())
}

/// Dark colours, which can be read on white as well; the word stands beside them in any case.
pub(super) fn colour(verdict: Verdict) -> Color {
    match verdict {
        Verdict::Match => Color::DarkGreen,
        Verdict::Differs => Color::DarkRed,
        Verdict::Skipped => Color::DarkYellow,
        Verdict::Info => Color::DarkBlue,
    }
}

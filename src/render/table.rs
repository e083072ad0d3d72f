//! Reports as tables for people.

use std::fmt::Write;

use anstyle::Style;
use comfy_table::presets::{ASCII_FULL_CONDENSED, UTF8_FULL_CONDENSED};
use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width};

use super::Look;
use crate::vocabulary::{Host, Report, Row, Strength, Tally, Verdict};

const BOLD: Style = Style::new().bold();

/// One lesson: title and question, the table, the summary, notes, why, and what to run next.
pub fn report(report: &Report, host: &Host, look: Look) -> String {
    let mut text = heading(&format!("{}: {}", report.lesson, report.title), look);
    line(&mut text, &look.wrap(report.question, ""));
    text.push('\n');

    let notes = Notes::of(&report.rows);
    line(&mut text, &results(report, &notes, look));
    line(&mut text, &look.wrap(&summary(report.tally(), host), ""));
    if report.rows.iter().any(|row| property(row) != row.property) {
        line(&mut text, &look.wrap("~ usual here, promised by nobody", ""));
    }
    for (number, note) in notes.texts.iter().zip(1..) {
        line(&mut text, &look.wrap(&format!("[{number}] {note}"), "    "));
    }
    for note in &report.notes {
        line(&mut text, &look.wrap(&format!("Note: {note}."), "    "));
    }

    text.push('\n');
    line(&mut text, &look.wrap(&format!("Why: {}", report.why), ""));
    line(&mut text, &format!("Next: udp-lab {}", report.next));
    text
}

/// The verdicts of several lessons, a line each.
pub fn tallies(reports: &[Report], host: &Host, look: Look) -> String {
    let mut table = empty(look, ["Lesson", "Rows", "Match", "Differ", "Skipped", "Info"]);
    for report in reports {
        let tally = report.tally();
        let counts = [tally.rows(), tally.matching, tally.differing, tally.skipped, tally.info];
        let mut row = vec![cell(look, report.lesson)];
        row.extend(counts.map(|count| Cell::new(count).set_alignment(comfy_table::CellAlignment::Right)));
        table.add_row(row);
    }
    let total = reports.iter().map(Report::tally).fold(Tally::default(), |sum, tally| sum + tally);
    let mut text = heading("all: every lesson", look);
    line(&mut text, &table.to_string());
    line(&mut text, &look.wrap(&summary(total, host), ""));
    text
}

/// A table of names and texts, such as the list of lessons or the totals of a server.
pub fn pairs(header: [&str; 2], rows: &[(String, String)], look: Look) -> String {
    let mut table = empty(look, header);
    for (name, value) in rows {
        table.add_row([cell(look, name), cell(look, value)]);
    }
    table.to_string() + "\n"
}

fn heading(text: &str, look: Look) -> String {
    let wrapped = look.wrap(text, "");
    format!("{BOLD}{wrapped}{BOLD:#}\n")
}

fn line(text: &mut String, line: &str) {
    let _ = writeln!(text, "{line}");
}

/// `7 of 7 as expected on Linux 6.18`, and what was not judged.
fn summary(tally: Tally, host: &Host) -> String {
    let mut text = format!("{} of {} as expected on {}", tally.matching, tally.judged(), host.short());
    for (count, what) in [(tally.skipped, "skipped"), (tally.info, "for information")] {
        if count > 0 {
            let _ = write!(text, "; {count} {what}");
        }
    }
    text
}

/// Marks the row that is to become a scene's heading; no text of the lab has this private character.
const HEADING: char = '\u{e000}';

fn results(report: &Report, notes: &Notes, look: Look) -> String {
    let mut table = empty(look, ["Property", "Expected", "Observed", "Verdict"]);
    let mut scenes: Vec<&str> = Vec::new();
    for row in &report.rows {
        if scenes.last() != Some(&row.scene.as_str()) {
            scenes.push(&row.scene);
            table.add_row([HEADING.to_string()]);
        }
        let verdict = match notes.number(row) {
            Some(number) => format!("{} [{number}]", row.verdict.word()),
            None => row.verdict.word().to_owned(),
        };
        table.add_row([
            cell(look, &property(row)),
            cell(look, &row.expected),
            cell(look, &row.observed),
            Cell::new(verdict).fg(colour(row.verdict)),
        ]);
    }
    keep_words(&mut table, look.width);
    with_headings(&table.to_string(), &scenes, look)
}

/// Where not everything fits a line, the values keep their longest word in one piece as far as that goes, and the
/// property takes what is left.
fn keep_words(table: &mut Table, width: u16) {
    const BORDERS: u16 = 5;
    const PADDING: u16 = 2;
    const LEAST_PROPERTY: u16 = 18;
    const LEAST_VALUE: u16 = 10;
    const LONGEST_ERROR: u16 = 15;
    let widest = |table: &Table, column: usize, separators: &[char]| {
        let cells = table.column_cells_with_header_iter(column).flatten();
        let pieces = cells.map(|cell| cell.content());
        let widths = pieces.flat_map(|text| text.split(separators).map(textwrap::core::display_width).max());
        u16::try_from(widths.max().unwrap_or(0)).unwrap_or(u16::MAX / 8) + PADDING
    };
    let natural: u16 = (0..4).map(|column| widest(table, column, &[])).sum();
    if natural + BORDERS <= width {
        return;
    }
    let verdict = widest(table, 3, &[]);
    let room = width.saturating_sub(BORDERS + verdict);
    let most = (room.saturating_sub(LEAST_PROPERTY) / 2).max(LONGEST_ERROR);
    let values = [1, 2].map(|column| widest(table, column, &[' ']).clamp(LEAST_VALUE, most));
    let property = room.saturating_sub(values.iter().sum()).max(LEAST_VALUE);
    let widths = [property, values[0], values[1], verdict];
    table.set_constraints(widths.map(|width| ColumnConstraint::Absolute(Width::Fixed(width))));
}

/// Puts the scenes' titles into lines across the table, in place of the marked rows.
fn with_headings(table: &str, scenes: &[&str], look: Look) -> String {
    let bottom = table.lines().last().unwrap_or_default();
    let rule: Vec<char> = bottom
        .chars()
        .map(|c| match c {
            '╰' => '├',
            '┴' => '┼',
            '╯' => '┤',
            other => other,
        })
        .collect();
    let mut titles = scenes.iter();
    let lines = table.lines().map(|line| {
        if !line.contains(HEADING) {
            return line.to_owned();
        }
        let room = rule.len().saturating_sub(6);
        let title: String = look.text(titles.next().unwrap_or(&"")).chars().take(room).collect();
        let rest: String = rule.iter().skip(4 + title.chars().count()).collect();
        let start: String = rule.iter().take(2).collect();
        format!("{start} {BOLD}{title}{BOLD:#} {rest}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The property; `~` marks what nobody promises.
fn property(row: &Row) -> String {
    match row.strength {
        Strength::Usual if row.verdict != Verdict::Info => format!("~ {}", row.property),
        Strength::Usual | Strength::Promised => row.property.clone(),
    }
}

fn empty<const N: usize>(look: Look, header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(if look.ascii { ASCII_FULL_CONDENSED } else { UTF8_FULL_CONDENSED.with_rounded_corners() })
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(look.width)
        .enforce_styling()
        .set_header(header.map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    table
}

fn cell(look: Look, text: &str) -> Cell {
    Cell::new(look.text(text))
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

/// The reasons below the table, each once, and their numbers.
struct Notes {
    texts: Vec<String>,
}

impl Notes {
    fn of(rows: &[Row]) -> Self {
        let mut texts: Vec<String> = Vec::new();
        for text in rows.iter().filter_map(Notes::text) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        Notes { texts }
    }

    fn text(row: &Row) -> Option<String> {
        row.reason.as_ref().map(|reason| format!("{}: {reason}", row.verdict.word()))
    }

    fn number(&self, row: &Row) -> Option<usize> {
        let text = Notes::text(row)?;
        self.texts.iter().position(|known| *known == text).map(|place| place + 1)
    }
}

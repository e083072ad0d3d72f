//! A table in sections: a line across it for each scene, columns that keep their words whole, numbered notes below.

use std::ops::Range;

use anstyle::Style;
use comfy_table::presets::{ASCII_FULL_CONDENSED, UTF8_FULL_CONDENSED};
use comfy_table::{Attribute, Cell, ColumnConstraint, ContentArrangement, Table, Width};

use super::Look;

/// How titles are written.
pub(crate) const BOLD: Style = Style::new().bold();

/// Marks the row that is to become a scene's heading; no text of the lab has this private character.
const HEADING: char = '\u{e000}';

/// A table whose rows belong to scenes.
pub(super) struct Sheet<'a> {
    look: Look,
    table: Table,
    scenes: Vec<&'a str>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(look: Look, header: &[&str]) -> Self {
        Sheet { look, table: empty(look, header), scenes: Vec::new() }
    }

    /// The rows that follow belong to this scene.
    pub(super) fn scene(&mut self, title: &'a str) {
        if self.scenes.last() != Some(&title) {
            self.scenes.push(title);
            self.table.add_row([HEADING.to_string()]);
        }
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.table.add_row(cells);
    }

    pub(super) fn cell(&self, text: &str) -> Cell {
        Cell::new(self.look.line(text))
    }

    /// Draws it; `values` are the columns that may be wrapped but should keep their words.
    pub(super) fn finish(mut self, values: Range<usize>) -> String {
        keep_words(&mut self.table, self.look.width, values);
        with_headings(&self.table.to_string(), &self.scenes, self.look)
    }
}

/// A table in the house's style, without rows.
pub(crate) fn empty(look: Look, header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(if look.ascii { ASCII_FULL_CONDENSED } else { UTF8_FULL_CONDENSED.with_rounded_corners() })
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(look.width)
        .enforce_styling()
        .set_header(header.iter().map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    table
}

/// Where not everything fits a line, the values keep their longest word in one piece as far as that goes, and the
/// first column takes what is left.
fn keep_words(table: &mut Table, width: u16, values: Range<usize>) {
    const PADDING: u16 = 2;
    const LEAST_FIRST: u16 = 18;
    const LEAST_VALUE: u16 = 10;
    const LONGEST_ERROR: u16 = 15;
    let columns = table.column_count();
    let borders = u16::try_from(columns).unwrap_or(u16::MAX / 8) + 1;
    let widest = |table: &Table, column: usize, separators: &[char]| {
        let cells = table.column_cells_with_header_iter(column).flatten();
        let pieces = cells.map(|cell| cell.content());
        let widths = pieces.flat_map(|text| text.split(separators).map(textwrap::core::display_width).max());
        u16::try_from(widths.max().unwrap_or(0)).unwrap_or(u16::MAX / 8) + PADDING
    };
    let natural: Vec<u16> = (0..columns).map(|column| widest(table, column, &['\n'])).collect();
    if natural.iter().sum::<u16>() + borders <= width {
        return;
    }
    let mut widths = natural;
    let others = (1..columns).filter(|column| !values.contains(column));
    let room = width.saturating_sub(borders + others.map(|column| widths[column]).sum::<u16>());
    let share = u16::try_from(values.len()).unwrap_or(1);
    let most = (room.saturating_sub(LEAST_FIRST) / share).max(LONGEST_ERROR);
    let mut first = room;
    for column in values {
        // A single column of values leaves enough for the first one even when its lines stay whole.
        let wanted = if share == 1 { widths[column] } else { widest(table, column, &[' ', '\n']) };
        widths[column] = wanted.clamp(LEAST_VALUE, most);
        first = first.saturating_sub(widths[column]);
    }
    widths[0] = first.max(LEAST_VALUE);
    table.set_constraints(widths.into_iter().map(|width| ColumnConstraint::Absolute(Width::Fixed(width))));
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
        let mut title = look.line(titles.next().unwrap_or(&""));
        while textwrap::core::display_width(&title) > room {
            title.pop();
        }
        let rest: String = rule.iter().skip(4 + textwrap::core::display_width(&title)).collect();
        let start: String = rule.iter().take(2).collect();
        format!("{start} {BOLD}{title}{BOLD:#} {rest}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Texts below a table, each once, and the numbers that refer to them.
pub(super) struct Notes {
    texts: Vec<String>,
}

impl Notes {
    pub(super) fn of(all: impl IntoIterator<Item = String>) -> Self {
        let mut texts: Vec<String> = Vec::new();
        for text in all {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        Notes { texts }
    }

    /// `word` with the number of its note, where it has one.
    pub(super) fn marked(&self, word: &str, note: Option<&str>) -> String {
        let number = note.and_then(|note| self.texts.iter().position(|known| known == note));
        number.map_or_else(|| word.to_owned(), |number| format!("{word} [{}]", number + 1))
    }

    /// The notes with their numbers, one after another.
    pub(super) fn lines(&self, look: Look) -> String {
        let lines = self.texts.iter().zip(1..);
        lines.map(|(text, number)| look.wrap(&format!("[{number}] {text}"), "    ") + "\n").collect()
    }
}

//! Tables in sections, one for each scene, whose columns keep their words whole; numbered notes below.

use std::ops::Range;

use anstyle::Style;
use comfy_table::presets::{ASCII_FULL_CONDENSED, UTF8_FULL_CONDENSED};
use comfy_table::{Attribute, Cell, ColumnConstraint, ContentArrangement, Table, Width};

use super::RenderOptions;

/// How titles are written.
pub(crate) const BOLD: Style = Style::new().bold();

/// Rows in sections, one for each scene: a heading, and a table below it. The columns of all tables are equally wide.
pub(super) struct Sheet<'a> {
    options: RenderOptions,
    header: Vec<String>,
    sections: Vec<(&'a str, Vec<Vec<Cell>>)>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(options: RenderOptions, header: &[&str]) -> Self {
        Sheet { options, header: header.iter().map(|title| (*title).to_owned()).collect(), sections: Vec::new() }
    }

    /// The rows that follow belong to this scene.
    pub(super) fn scene(&mut self, title: &'a str) {
        self.sections.push((title, Vec::new()));
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        if let Some((_, rows)) = self.sections.last_mut() {
            rows.push(cells.into());
        }
    }

    pub(super) fn cell(&self, text: &str) -> Cell {
        Cell::new(self.options.line(text))
    }

    /// Draws it, each table under its scene's title.
    pub(super) fn finish(self, values: Range<usize>) -> String {
        let options = self.options;
        let sections = self.tables(values).into_iter();
        let headed = sections.map(|(title, table)| format!("{BOLD}{}{BOLD:#}\n{table}", options.wrap(title, "")));
        headed.collect::<Vec<_>>().join("\n")
    }

    /// The tables, each with its scene's title; `values` are the columns that may be wrapped but should keep their
    /// words.
    pub(super) fn tables(self, values: Range<usize>) -> Vec<(&'a str, String)> {
        if self.options.width < LEAST_FOR_FRAMES {
            return self.lines();
        }
        let header: Vec<&str> = self.header.iter().map(String::as_str).collect();
        let mut all = empty(self.options, &header);
        all.add_rows(self.sections.iter().flat_map(|(_, rows)| rows.iter().cloned()));
        let widths = widths(&mut all, self.options.width, values);
        let sections = self.sections.into_iter().map(|(title, rows)| {
            let mut table = empty(self.options, &header);
            table.add_rows(rows);
            table.set_constraints(widths.iter().map(|width| ColumnConstraint::Absolute(Width::Fixed(*width))));
            (title, table.to_string())
        });
        sections.collect()
    }

    /// The rows as lines: the first cell, and below it the others with their titles.
    fn lines(self) -> Vec<(&'a str, String)> {
        let line = |cells: &Vec<Cell>| {
            let values =
                self.header.iter().zip(cells).skip(1).map(|(title, cell)| format!("{title}: {}", cell.content()));
            let values = values.collect::<Vec<_>>().join("; ");
            let property = self.options.wrap(&cells[0].content(), "  ");
            format!("{property}\n{}", self.options.wrap(&format!("  {values}"), "  "))
        };
        let sections = self.sections.iter().map(|(title, rows)| (*title, rows.iter().map(line).collect::<Vec<_>>()));
        sections.map(|(title, lines)| (title, lines.join("\n"))).collect()
    }
}

/// Columns that a table needs to keep its words whole; in fewer its rows are lines.
pub(super) const LEAST_FOR_FRAMES: u16 = 60;

/// A table in the house's style, without rows.
pub(crate) fn empty(options: RenderOptions, header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(if options.ascii { ASCII_FULL_CONDENSED } else { UTF8_FULL_CONDENSED.with_rounded_corners() })
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(options.width)
        .enforce_styling()
        .set_header(header.iter().map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    table
}

/// The width of each column of `table`, with its padding. Where not everything fits a line, the values keep their
/// longest word in one piece as far as that goes, and the first column takes what is left.
fn widths(table: &mut Table, width: u16, values: Range<usize>) -> Vec<u16> {
    const PADDING: u16 = 2;
    const LEAST_FIRST: u16 = 18;
    const LEAST_VALUE: u16 = 10;
    const LONGEST_ERROR: u16 = 15;
    let columns = table.column_count();
    let borders = u16::try_from(columns).unwrap_or(u16::MAX / 8) + 1;
    let table = &*table;
    let widest = |column: usize, separators: &[char]| {
        let cells = table.column_cells_with_header_iter(column).flatten();
        let pieces = cells.map(|cell| cell.content());
        let widths = pieces.flat_map(|text| text.split(separators).map(textwrap::core::display_width).max());
        u16::try_from(widths.max().unwrap_or(0)).unwrap_or(u16::MAX / 8) + PADDING
    };
    let natural: Vec<u16> = (0..columns).map(|column| widest(column, &['\n'])).collect();
    if natural.iter().fold(borders, |sum, width| sum.saturating_add(*width)) <= width {
        return natural;
    }
    let mut widths = natural;
    let others = (1..columns).filter(|column| !values.contains(column));
    let room = width.saturating_sub(borders + others.map(|column| widths[column]).sum::<u16>());
    let share = u16::try_from(values.len()).unwrap_or(1);
    let most = (room.saturating_sub(LEAST_FIRST) / share).max(LONGEST_ERROR);
    let mut first = room;
    for column in values {
        // A single column of values leaves enough for the first one even when its lines stay whole.
        let wanted = if share == 1 { widths[column] } else { widest(column, &[' ', '\n']) };
        widths[column] = wanted.clamp(LEAST_VALUE, most);
        first = first.saturating_sub(widths[column]);
    }
    widths[0] = first.max(LEAST_VALUE);
    widths
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
        let number = note.and_then(|note| self.number_of(note));
        number.map_or_else(|| word.to_owned(), |number| format!("{word} [{number}]"))
    }

    /// The number of this note, where it is one.
    pub(super) fn number_of(&self, note: &str) -> Option<usize> {
        self.numbered().find(|(_, text)| *text == note).map(|(number, _)| number)
    }

    /// The notes with their numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.texts.iter().map(String::as_str))
    }

    /// The same as lines, one after another.
    pub(super) fn lines(&self, options: RenderOptions) -> String {
        self.numbered().map(|(number, text)| options.wrap(&format!("[{number}] {text}"), "    ") + "\n").collect()
    }
}

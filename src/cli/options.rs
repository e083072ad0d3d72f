//! Options of every command: format, width, characters, colour.

use std::io::IsTerminal;

use clap::error::ErrorKind;
use clap::{Args, ValueEnum, value_parser};

use super::failure::{Failure, complain};
use crate::render::{Format, RenderOptions};

/// Options of every command.
#[derive(Args, Clone, Copy)]
pub(super) struct Options {
    /// How results are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table", global = true)]
    pub(super) format: Format,

    /// Columns of the output, 60 to 500 [default: the terminal's, else COLUMNS, else 80]
    #[arg(long, value_name = "COLUMNS", global = true, value_parser = value_parser!(u16).range(60..=500))]
    width: Option<u16>,

    /// Only ASCII characters; by itself when the locale is not UTF-8. JSON and CSV are UTF-8 always
    #[arg(long, global = true)]
    ascii: bool,

    /// Leave the picture above the table out
    #[arg(long, global = true)]
    no_ladder: bool,

    #[command(flatten)]
    pub(super) color: colorchoice_clap::Color,
}

impl Options {
    /// How results are to look.
    pub(super) fn render_options(self) -> RenderOptions {
        RenderOptions {
            width: self.columns().clamp(LEAST_WIDTH, 500),
            ascii: self.ascii || !utf8_locale(),
            ladder: !self.no_ladder,
            why: true,
        }
    }

    /// The same for sentences, which fit any width.
    pub(super) fn for_sentences(self) -> RenderOptions {
        RenderOptions { width: self.columns().clamp(20, 500), ..self.render_options() }
    }

    fn columns(self) -> u16 {
        self.width.or_else(terminal_width).or_else(columns).unwrap_or(80)
    }

    /// A terminal breaks lines that are drawn for a wider one, and nobody can read them: says what helps.
    pub(super) fn warn_of_a_narrow_terminal(self) {
        let narrow = terminal_width().filter(|width| *width < LEAST_WIDTH && self.format == Format::Table);
        if let (Some(width), true) = (narrow, std::io::stdout().is_terminal()) {
            complain(&format!("this terminal has {width} columns, and tables need {LEAST_WIDTH}: use --format plain"));
        }
    }
}

/// What is narrower has no room for a table.
const LEAST_WIDTH: u16 = 60;

fn terminal_width() -> Option<u16> {
    terminal_size::terminal_size().map(|(width, _)| width.0)
}

fn columns() -> Option<u16> {
    std::env::var("COLUMNS").ok()?.parse().ok()
}

/// The locale of characters, by the variable that decides.
pub(super) fn locale() -> Option<String> {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"))
}

/// Whether the locale's characters are UTF-8; Windows has no such setting, and its consoles take Unicode.
fn utf8_locale() -> bool {
    cfg!(windows)
        || locale().is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        })
}

/// Whether it is JSON that is asked for, of a command that has no other format beside the table; `sentence` says so.
pub(super) fn table_or_json(format: Format, sentence: &str) -> Result<bool, Failure> {
    match format {
        Format::Table => Ok(false),
        Format::Json => Ok(true),
        Format::Plain | Format::Markdown | Format::Csv => Err(unsupported(format, sentence)),
    }
}

/// The failure of a command that does not have `format`; `sentence` says which it has.
pub(super) fn unsupported(format: Format, sentence: &str) -> Failure {
    let asked = format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    clap::Error::raw(ErrorKind::InvalidValue, format!("{sentence}, not {asked}\n")).into()
}

//! Options of every command: format, width, characters, colour.

use std::io::IsTerminal;

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, ValueEnum};

use super::failure::Failure;
use crate::arguments;
use crate::kernel::{self, HERE};
use crate::render::{Detail, Format, RenderOptions};
use crate::vocabulary::Os;

/// Columns that the output has at least; from 60 on there are tables.
const LEAST_WIDTH: u16 = 20;

/// Columns that the output has at most.
const MOST_WIDTH: u16 = 500;

// Options of every command, before its name or behind it. They are not `global`: clap copies those into all commands at
// each start, which took a quarter of it.
#[derive(Args, Clone, Copy)]
pub(super) struct Options {
    /// How results are written [default: table]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,

    /// Columns of the output, 20 to 500; tables need 60 [default: the terminal's, else COLUMNS, else 80]
    #[arg(long, value_name = "COLUMNS",
        value_parser = arguments::whole::<u16>(LEAST_WIDTH.into(), MOST_WIDTH.into()))]
    width: Option<u16>,

    /// Only ASCII characters; the default where the locale is not UTF-8, nor what a Windows console shows of a pipe.
    /// JSON and CSV are always UTF-8
    #[arg(long)]
    ascii: bool,

    /// Begin CSV with a byte-order mark, by which Excel recognizes UTF-8
    #[arg(long)]
    bom: bool,

    /// Leave the picture above the table out
    #[arg(long, alias = "no-ladder")]
    no_picture: bool,
}

impl Options {
    /// What is given in all: behind the name of a command it decides, before it it holds where nothing is given behind.
    pub(super) fn given(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let before = Self::from_arg_matches(matches)?;
        let Some((_, behind)) = matches.subcommand() else { return Ok(before) };
        let behind = Self::given(behind)?;
        Ok(Options {
            format: behind.format.or(before.format),
            width: behind.width.or(before.width),
            ascii: behind.ascii || before.ascii,
            bom: behind.bom || before.bom,
            no_picture: behind.no_picture || before.no_picture,
        })
    }

    /// How results are written.
    pub(super) fn format(self) -> Format {
        self.format.unwrap_or(Format::Table)
    }

    /// How results are to look.
    pub(super) fn render_options(self) -> RenderOptions {
        let width = self.width.or_else(terminal_width).or_else(columns).unwrap_or(80);
        RenderOptions {
            width: width.clamp(LEAST_WIDTH, MOST_WIDTH),
            ascii: self.ascii || !takes_utf8(),
            ladder: !self.no_picture,
            why: false,
            detail: Detail::Answer,
            byte_order_mark: self.bom,
        }
    }
}

fn terminal_width() -> Option<u16> {
    terminal_size::terminal_size().map(|(width, _)| width.0)
}

/// The lines of the terminal that standard output is, if it is one.
pub(super) fn terminal_lines() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(_, height)| height.0.into())
}

fn columns() -> Option<u16> {
    std::env::var("COLUMNS").ok()?.parse().ok()
}

/// The locale of characters, by the variable that decides.
pub(super) fn locale() -> Option<String> {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"))
}

/// Whether whoever reads the output takes UTF-8.
fn takes_utf8() -> bool {
    // A console of Windows takes Unicode, whatever its code page is.
    if HERE == Os::Windows && std::io::stdout().is_terminal() {
        return true;
    }
    match locale() {
        Some(locale) => is_utf8(&locale),
        None => HERE == Os::Windows && shows_utf8(kernel::console_code_page()),
    }
}

fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Whether what comes to a console of Windows through a pipe or out of a file is shown as UTF-8; without a console a
/// program reads it.
fn shows_utf8(code_page: Option<u32>) -> bool {
    const UTF_8: u32 = 65001;
    code_page.is_none_or(|page| page == UTF_8)
}

/// The options of every command, for one that is built.
pub(super) fn of_every_command() -> Vec<Arg> {
    let options = Options::augment_args(Command::default());
    // In the help they come behind the command's own.
    options.get_arguments().map(|option| option.clone().display_order(None)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command;

    fn given(words: &str) -> Options {
        let matches = command().try_get_matches_from(words.split(' ')).expect("a right command line");
        Options::given(&matches).expect("the options of every command")
    }

    #[test]
    fn an_option_holds_before_the_name_of_a_command_and_decides_behind_it() {
        let before = given("udp-lab --format csv --width 60 --ascii expect --bom truncation");
        assert_eq!((before.format(), before.width), (Format::Csv, Some(60)));
        assert!(before.ascii && before.bom && !before.no_picture);
        let behind = given("udp-lab --format csv --width 60 expect truncation --format json --width 100 --no-picture");
        assert_eq!((behind.format(), behind.width), (Format::Json, Some(100)));
        assert!(behind.no_picture && !behind.ascii && !behind.bom);
        assert_eq!(given("udp-lab list").format(), Format::Table);
    }

    #[test]
    fn every_command_has_the_options_of_every_command() {
        fn check(command: &Command) {
            for option in of_every_command() {
                let has = command.get_arguments().any(|argument| argument.get_long() == option.get_long());
                assert!(has, "{} lacks --{}", command.get_name(), option.get_long().unwrap_or_default());
            }
            command.get_subcommands().filter(|command| command.get_name() != "help").for_each(check);
        }
        let mut command = command();
        command.build();
        check(&command);
    }

    #[test]
    fn only_a_console_with_another_code_page_gets_ascii() {
        assert!(shows_utf8(None) && shows_utf8(Some(65001)));
        assert!(!shows_utf8(Some(437)) && !shows_utf8(Some(850)) && !shows_utf8(Some(1252)));
        assert!(is_utf8("C.UTF-8") && is_utf8("de_DE.utf8") && !is_utf8("C"));
    }
}

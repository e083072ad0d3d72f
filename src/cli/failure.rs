//! What can fail, and the exit statuses that say so.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::output::print;
use crate::kernel::HERE;
use crate::lab::SceneError;
use crate::programs::ProgramError;
use crate::render::{Invocation, PROGRAM};
use crate::vocabulary::{Access, Status, escape, escape_but, file_message, listed, quoted};

/// The exit statuses, for the help of commands that run lessons.
pub(super) const EXIT_STATUS: &str = "\
Exit status: 0 all as expected, skipped and info rows not counted; 1 some row differs; 2 wrong use; 3 could not run here.";

/// Why a command did not do what it was asked for.
pub(super) enum Failure {
    /// The command line is wrong; for clap, help and the version are failures as well.
    Use(clap::Error),
    /// It cannot run here, as the sentence says.
    Environment(String),
    /// The output cannot be written.
    Output(io::Error),
}

impl Failure {
    /// Wrong use that clap cannot know of.
    pub(super) fn wrong_value(sentence: &str) -> Self {
        Failure::Use(clap::Error::raw(ErrorKind::ValueValidation, format!("{}\n", escape(sentence))))
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Failure::Use(error)
    }
}

impl From<SceneError> for Failure {
    fn from(error: SceneError) -> Self {
        Failure::Environment(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

impl From<ProgramError> for Failure {
    fn from(ended: ProgramError) -> Self {
        match ended {
            ProgramError::Call(error) => Failure::Environment(error.to_string()),
            ProgramError::Environment(text) => Failure::Environment(text),
            ProgramError::Usage(text) => Failure::wrong_value(&text),
            ProgramError::Input(error) => {
                Failure::Environment(format!("cannot read the input: {}", file_message(&error, Access::Read, HERE)))
            }
            ProgramError::Output(error) => Failure::Output(error),
        }
    }
}

/// Writes on standard error what failed, and says with which status the program ends.
pub(super) fn report(failure: Failure, invocation: &Invocation) -> Status {
    match failure {
        Failure::Use(error) => report_use(of_a_negative_number(escaped(error)), invocation),
        Failure::Environment(text) => {
            complain(&text);
            Status::CouldNotRun
        }
        // Whoever closed the pipe has seen enough.
        Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Status::AsExpected,
        Failure::Output(error) => {
            complain(&format!("cannot write the output: {}", file_message(&error, Access::Write, HERE)));
            Status::CouldNotRun
        }
    }
}

/// Help and the version are output like any other; clap calls them errors.
fn report_use(error: clap::Error, invocation: &Invocation) -> Status {
    if !error.use_stderr() {
        return match print(&error.render().ansi().to_string()) {
            Ok(()) => Status::AsExpected,
            Err(error) => report(Failure::Output(error), invocation),
        };
    }
    match unknown_command(&error, &invocation.again) {
        Some(sentence) => say(&format!("error: {sentence}")),
        None if terminal_columns().is_some() => say(error.render().ansi().to_string().trim_end()),
        None => drop(error.print()),
    }
    Status::WrongUse
}

/// What is said of a command that there is not: most words meant for one are lessons' names.
fn unknown_command(error: &clap::Error, again: &str) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let meant = match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(names)) if !names.is_empty() => format!(" Did you mean {}?", names.join(" or ")),
        _ => String::new(),
    };
    Some(format!(
        "there is no lesson and no command '{word}'.{meant} All lessons: {again} list. All commands: {again} --help"
    ))
}

/// Writes a sentence on standard error. It may repeat what was given on the command line: nothing of it acts there.
pub(super) fn complain(sentence: &str) {
    say(&format!("{PROGRAM}: {}", escape(sentence)));
}

/// Writes on standard error, on a terminal in lines that fit it.
fn say(text: &str) {
    let wrapped = |columns: u16| {
        let options = textwrap::Options::new(columns.into()).word_splitter(textwrap::WordSplitter::NoHyphenation);
        text.lines().map(|line| textwrap::fill(line, &options)).collect::<Vec<_>>().join("\n")
    };
    let text = terminal_columns().map_or_else(|| text.to_owned(), wrapped);
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// The width of the terminal that standard error is, if it is one.
fn terminal_columns() -> Option<u16> {
    terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| width.0)
}

/// What is said of a value that begins with a minus sign: clap takes it for an option, and does not know why somebody
/// gives it.
fn of_a_negative_number(error: clap::Error) -> clap::Error {
    let given = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(given))) => given.clone(),
        _ => return error,
    };
    match given.strip_prefix('-') {
        Some(number) if number.starts_with(|c: char| c.is_ascii_digit()) => clap::Error::raw(
            ErrorKind::UnknownArgument,
            format!(
                "unexpected argument '{given}' found: no number, time or share may be negative\n\n  tip: a message that \
                 begins so is given behind '--'\n\nFor more information, try '--help'.\n"
            ),
        ),
        _ => error,
    }
}

/// What is said of an argument that is no text: clap does not know which one it is.
pub(super) fn of_what_is_no_text(error: clap::Error, args: &[OsString]) -> clap::Error {
    if error.kind() != ErrorKind::InvalidUtf8 {
        return error;
    }
    let without_a_text = args.iter().skip(1).filter(|arg| arg.to_str().is_none());
    let quoted: Vec<_> = without_a_text.map(|arg| quoted(arg.as_encoded_bytes(), LONGEST)).collect();
    let advice = match args.iter().any(|arg| arg == "client") {
        true => ": any bytes can be sent with --hex, with --file or through a pipe",
        false => "",
    };
    clap::Error::raw(ErrorKind::InvalidUtf8, format!("invalid UTF-8 in {}{advice}\n", listed(&quoted)))
}

/// Most characters of a word of the command line that an error repeats.
const LONGEST: usize = 100;

/// A word of the command line as an error repeats it.
fn repeated(word: &str) -> String {
    match word.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", escape(&word[..end])),
        None => escape(word).into_owned(),
    }
}

/// What clap says in colours of its own, where none of these words of the command line acts.
fn without(acting: &[String], text: &StyledStr) -> StyledStr {
    let text = acting.iter().fold(text.ansi().to_string(), |text, word| text.replace(word, &repeated(word)));
    escape_but(&text, |c| matches!(c, '\n' | '\x1b')).into_owned().into()
}

/// The same error, where what it repeats of the command line is short, and acts on no terminal.
fn escaped(mut error: clap::Error) -> clap::Error {
    let given: Vec<_> = error.context().map(|(kind, value)| (kind, value.clone())).collect();
    let words = given.iter().flat_map(|(_, value)| match value {
        ContextValue::String(text) => std::slice::from_ref(text),
        ContextValue::Strings(texts) => texts,
        _ => &[],
    });
    let acting: Vec<_> = words.filter(|word| repeated(word) != **word).cloned().collect();
    for (kind, value) in given {
        let harmless = match value {
            ContextValue::String(text) => ContextValue::String(repeated(&text)),
            ContextValue::Strings(texts) => ContextValue::Strings(texts.iter().map(|text| repeated(text)).collect()),
            ContextValue::StyledStr(text) => ContextValue::StyledStr(without(&acting, &text)),
            ContextValue::StyledStrs(texts) => {
                ContextValue::StyledStrs(texts.iter().map(|text| without(&acting, text)).collect())
            }
            other => other,
        };
        error.insert(kind, harmless);
    }
    error
}

//! `find`: which lesson answers a question, put in the words of whoever asks.

use clap::ArgMatches;

use super::failure::Failure;
use super::options::{Options, table_or_json, terminal_lines};
use super::output::print;
use crate::doctor;
use crate::lessons::LESSONS;
use crate::questions::{self, Answer, Index, Look};
use crate::render::{Invocation, found, glossary};
use crate::vocabulary::Status;

/// Prints what was found. As with grep, nothing found is status 1.
pub(super) fn find(arguments: &ArgMatches, invocation: &Invocation, options: Options) -> Result<Status, Failure> {
    let json = table_or_json(options.format(), "find writes --format table or json")?;
    let words = arguments.get_many::<String>("words").unwrap_or_default();
    let words = words.map(String::as_str).collect::<Vec<_>>().join(" ");
    let questions = questions::all().map_err(Failure::Environment)?;
    let index = Index::new(&questions, &glossary::terms(), LESSONS).map_err(Failure::Environment)?;
    let found = index.search(&words);
    let answers: Vec<_> = found.answers.iter().map(|answer| (*answer, missing(answer))).collect();
    print(&match json {
        true => found::as_json(&words, &found, &answers),
        false => found::text(&found, &answers, invocation, options.render_options(), terminal_lines()),
    })?;
    Ok(if answers.is_empty() { Status::Negative } else { Status::AsExpected })
}

/// Why this machine cannot show the row of `answer`; nothing where it can.
fn missing(answer: &Answer) -> Option<String> {
    match &answer.look {
        Look::Row(_, claim) => doctor::reason_to_skip(claim),
        Look::Printed(_) | Look::Section(_) | Look::Screen => None,
    }
}

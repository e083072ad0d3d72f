//! The server, the client and the relay, which write while they run.

use std::io::{BufWriter, Write};

use clap::{ArgMatches, FromArgMatches};

use super::failure::Failure;
use super::options::{Options, table_or_json};
use super::output::stdout;
use crate::programs::{ProgramError, Transcript};
use crate::render::Invocation;
use crate::vocabulary::Status;

/// Runs the program that is called `name`. What it writes is written line by line: only sentences and JSON can be.
pub(super) fn run<P: FromArgMatches>(
    name: &str,
    arguments: &ArgMatches,
    invocation: &Invocation,
    options: Options,
    program: impl FnOnce(&P, &mut Transcript<'_>) -> Result<Status, ProgramError>,
) -> Result<Status, Failure> {
    let lines = format!("{name} writes a line as things happen: --format table or json");
    let json = table_or_json(options.format(), &lines)?;
    let mut out = BufWriter::with_capacity(64 * 1024, stdout());
    let (options, again) = (options.render_options(), invocation.again.as_str());
    let given = P::from_arg_matches(arguments)?;
    let status = program(&given, &mut Transcript { out: &mut out, json, options, again })?;
    out.flush()?;
    Ok(status)
}

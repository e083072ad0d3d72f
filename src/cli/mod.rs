//! The command line, from the arguments to the exit status.

mod command;
mod dialogue;
pub mod export;
mod failure;
mod find;
mod generated;
mod info;
mod invocation;
mod options;
mod output;
mod progress;
mod run;

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches};
use colorchoice_clap::Color;

pub use self::command::command;
use self::failure::Failure;
use self::options::Options;
use crate::kernel;
use crate::programs::client::Client;
use crate::programs::relay::Relay;
use crate::programs::server::Server;
use crate::vocabulary::Status;

/// Runs the command that `args` ask for, program name first.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    kernel::fail_past_the_file_size();
    kernel::keep_children_until_they_are_waited_for();
    kernel::share_one_heap();
    let args: Vec<OsString> = args.into_iter().collect();
    let program = args.first().cloned().unwrap_or_default();
    let given = to_repeat(args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()));
    let parsed = command().try_get_matches_from(&args).map_err(|error| failure::of_what_is_no_text(error, &args));
    let result = parsed.map_err(Failure::Use).and_then(|matches| {
        let options = Options::given(&matches)?;
        Color::from_arg_matches(&matches)?.write_global();
        // What is drawn is always coloured; the stream takes the colours away where they are not wanted.
        crossterm::style::force_color_output(true);
        dispatch(&matches, &program, &given, options)
    });
    let report = |failure| failure::report(failure, &invocation::invocation(&program));
    ExitCode::from(result.unwrap_or_else(report).code())
}

/// The arguments of a run for running it again: without its files, which are there by then, and without stops.
fn to_repeat(given: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut given = given;
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--export" => drop(given.next()),
            "--" => kept.extend([argument].into_iter().chain(given.by_ref())),
            "--force" | "--step" => {}
            other if other.starts_with("--export=") => {}
            _ => kept.push(argument),
        }
    }
    kept
}

/// Runs the command of `program`; `given` are the arguments as they were written.
fn dispatch(matches: &ArgMatches, program: &OsStr, given: &[String], options: Options) -> Result<Status, Failure> {
    let called = || invocation::invocation(program);
    let Some((name, arguments)) = matches.subcommand() else { return info::start(&called(), options) };
    let writes_its_table_first =
        ["server", "relay"].contains(&name) || name == "client" && arguments.get_one::<u16>("count").is_some();
    kernel::end_at_a_signal(writes_its_table_first)
        .map_err(|error| Failure::Environment(format!("cannot watch for signals: {error}")))?;
    match name {
        "all" => run::all(arguments, &called(), options),
        "list" => info::list(options),
        "find" => find::find(arguments, &called(), options),
        "server" => dialogue::run(name, arguments, &called(), options, Server::run),
        "client" => dialogue::run(name, arguments, &called(), options, Client::run),
        "relay" => dialogue::run(name, arguments, &called(), options, Relay::run),
        "expect" => info::expect(arguments, &called(), options),
        "explain" => info::explain(arguments, options),
        "systems" => info::systems(arguments, &called(), options),
        "record" => run::record(arguments, options),
        "doctor" => info::doctor(options),
        "completions" => output::write_text(&generated::completions(arguments, &mut command())),
        "man" => output::write_text(&generated::man(command())?),
        lesson => run::one(command::known(lesson), arguments, &called(), given, options),
    }
}

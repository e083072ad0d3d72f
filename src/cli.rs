//! The command line: what can be asked for, and what the exit status says.

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anstream::AutoStream;
use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum, value_parser};
use serde_json::json;

use crate::around;
use crate::doctor::Checkup;
use crate::export::{self, Export, Target};
use crate::interactive::predict;
use crate::interactive::step::Step;
use crate::kernel;
use crate::lab::{Observer, SceneError};
use crate::lessons::{LESSONS, Lesson, Scene};
use crate::programs::client::Client;
use crate::programs::server::Server;
use crate::programs::{Ended, Transcript};
use crate::progress;
use crate::render::{Format, Look, Results, checkup, csv, expectations, json, markdown, page, plain, table};
use crate::vocabulary::{Choice, Os, Report, Status};

const EXIT_STATUS: &str = "\
Exit status: 0 all as expected, skipped and info rows not counted; 1 some row differs; 2 wrong use; 3 could not run here.";

const ABOUT: &str =
    "UDP in the classroom: runs real sockets, and compares what the system did with what the standards say";
const ALL: &str = "Run every lesson in teaching order, then sum up";
const SERVER: &str = "A small server: one socket, one loop, an answer to every datagram";
const CLIENT: &str = "A small client: sends messages and prints the answers";

/// Options of every command.
#[derive(Args, Clone, Copy)]
struct Options {
    /// How results are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table", global = true)]
    format: Format,

    /// Columns of the output, 60 to 500 [default: the terminal's, else COLUMNS, else 80]
    #[arg(long, value_name = "COLUMNS", global = true, value_parser = clap::value_parser!(u16).range(60..=500))]
    width: Option<u16>,

    /// Only ASCII characters; by itself when the locale is not UTF-8. JSON and CSV are UTF-8 always
    #[arg(long, global = true)]
    ascii: bool,

    /// Leave the picture above the table out
    #[arg(long, global = true)]
    no_ladder: bool,

    #[command(flatten)]
    color: colorchoice_clap::Color,
}

impl Options {
    fn look(self) -> Look {
        let width = self.width.or_else(terminal_width).or_else(columns).unwrap_or(80);
        Look { width: width.clamp(60, 500), ascii: self.ascii || !utf8_locale(), ladder: !self.no_ladder, why: true }
    }
}

/// Options of every command that runs lessons.
#[derive(Args)]
struct Files {
    #[arg(long = "export", value_name = "FILE", value_parser = PathBufValueParser::new().try_map(Target::new),
        help = format!("Also write the results of this run to FILE; its ending names the format: {}", export::endings()),
        long_help = None)]
    targets: Vec<Target>,

    /// Replace a FILE that is there already
    #[arg(long, requires = "targets")]
    force: bool,
}

impl Files {
    fn open(arguments: &ArgMatches) -> Result<Export, Failure> {
        let files = Files::from_arg_matches(arguments)?;
        Export::open(files.targets, files.force).map_err(Failure::Trouble)
    }
}

fn terminal_width() -> Option<u16> {
    terminal_size::terminal_size().map(|(width, _)| width.0)
}

fn columns() -> Option<u16> {
    std::env::var("COLUMNS").ok()?.parse().ok()
}

/// The locale of characters, by the variable that decides.
fn locale() -> Option<String> {
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

/// The whole command line; lessons come from the registry.
pub fn command() -> Command {
    let command = Command::new("udp-lab")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(format!("Start with: udp-lab boundaries\n\n{EXIT_STATUS}"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(LESSONS.iter().map(|lesson| lesson_command(lesson)))
        .subcommand(
            Files::augment_args(Command::new("all"))
                .about(ALL)
                .long_about(None)
                .args([predict_option(), step_option(), trace_option()])
                .after_help(format!("Example: udp-lab all --predict\n\n{EXIT_STATUS}")),
        )
        .subcommand(
            Command::new("list")
                .about("The lessons in teaching order, with their questions")
                .after_help("Example: udp-lab list\n\nExit status: 0; 2 wrong use."),
        )
        .subcommand(expect_command())
        .subcommand(server_command())
        .subcommand(client_command())
        .subcommands(around::commands());
    Options::augment_args(command).about(ABOUT).long_about(None)
}

fn lesson_command(lesson: &'static Lesson) -> Command {
    // Deferred: the start-up of one lesson does not pay for the others.
    Command::new(lesson.name).about(lesson.title).defer(|command| {
        with_lesson(command, |lesson, command| {
            let about = format!("{}\n\n{}", lesson.title, lesson.question);
            let example = format!("udp-lab {} {}", lesson.name, lesson.example);
            let step = format!("At the projector: udp-lab {} --step", lesson.name);
            Files::augment_args(lesson.augment(command))
                .args([predict_option(), step_option(), trace_option()])
                .about(lesson.title)
                .long_about(about)
                .after_help(format!("Why: {}\n\nExample: {}\n{step}\n\n{EXIT_STATUS}", lesson.why, example.trim_end()))
        })
    })
}

/// Finishes the command of a lesson: clap defers to functions that know only the command.
fn with_lesson(command: Command, finish: impl Fn(&Lesson, Command) -> Command) -> Command {
    match find(command.get_name()) {
        Some(lesson) => finish(lesson, command),
        None => command,
    }
}

fn trace_option() -> Arg {
    Arg::new("trace")
        .long("trace")
        .help("Print every call after the table, as strace does; JSON has the calls anyhow")
        .action(ArgAction::SetTrue)
}

fn predict_option() -> Arg {
    Arg::new("predict")
        .long("predict")
        .value_name("LETTER")
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("")
        .help("First put the question with some answers, and wait for one; or take the one given")
}

fn step_option() -> Arg {
    Arg::new("step")
        .long("step")
        .help("Stop before each call and say what is about to happen; Enter goes on")
        .action(ArgAction::SetTrue)
}

fn find(name: &str) -> Option<&'static Lesson> {
    LESSONS.iter().find(|lesson| lesson.name == name).copied()
}

fn expect_command() -> Command {
    Command::new("expect").about("What a lesson expects, without opening a socket: the sheet to hand out before").defer(
        |command| {
            command
                .arg(
                    Arg::new("os")
                        .long("os")
                        .value_name("SYSTEM")
                        .help("Only this system")
                        .value_parser(value_parser!(Os))
                        .global(true),
                )
                .arg(
                    Arg::new("blank")
                        .long("blank")
                        .help("Leave the values out, for the class to fill in")
                        .action(ArgAction::SetTrue)
                        .global(true),
                )
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand_value_name("LESSON")
                .subcommand_help_heading("Lessons")
                .disable_help_subcommand(true)
                .subcommands(LESSONS.iter().map(|lesson| {
                    Command::new(lesson.name).about(lesson.title).defer(|command| {
                        with_lesson(command, |lesson, command| {
                            lesson.augment(command).about(lesson.title).long_about(None)
                        })
                    })
                }))
                .after_help(
                    "Takes the lesson's own parameters; the expectations follow them.\n\n\
                 Example: udp-lab expect truncation --os windows\n\n\
                 Exit status: 0; 2 wrong use.",
                )
        },
    )
}

fn server_command() -> Command {
    Command::new("server").about(SERVER).defer(|command| {
        Server::augment_args(command).about(SERVER).long_about(None).after_help(
            "One line for each datagram: number, peer, bytes, text. A forged sender cannot set two servers against each \
             other, nor have more sent to somebody than he sends: what is itself an answer of a server (by its time to \
             live; Windows does not tell it), or is the reply text, is not answered, and a reply of more than 18 bytes \
             only goes out for a datagram that is as long. At most 65536 peers are told apart, so that forged ones \
             cannot fill the memory.\n\n\
             Example: udp-lab server 127.0.0.1:8888 --reply Hello --count 3\n\n\
             Exit status: 0 ended by Ctrl-C or --count; 2 wrong use; 3 could not run here.",
        )
    })
}

fn client_command() -> Command {
    Command::new("client").about(CLIENT).defer(|command| {
        Client::augment_args(command).about(CLIENT).long_about(None).after_help(
            "Asks `Msg: ` for each message; an empty line ends it. It never waits longer than --timeout, and hears only the \
             server that it asks: its socket is connected.\n\n\
             Example: udp-lab client 127.0.0.1:8888 hello world\n\n\
             Exit status: 0 whether or not answers came, the table tells; 2 wrong use; 3 could not run here.",
        )
    })
}

/// Runs the command that `args` ask for, program name first.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    kernel::fail_past_the_file_size();
    let args: Vec<OsString> = args.into_iter().collect();
    let given = again(args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()));
    let result = command().try_get_matches_from(args).map_err(Failure::Use).and_then(|matches| {
        let options = Options::from_arg_matches(&matches)?;
        options.color.write_global();
        // What is drawn is always coloured; the stream takes the colours away where they are not wanted.
        crossterm::style::force_color_output(true);
        run(&matches, &given, options)
    });
    ExitCode::from(result.unwrap_or_else(explain).code())
}

/// The arguments of a run for running it again: without its files, which are there by then, and without stops.
fn again(given: impl Iterator<Item = String>) -> Vec<String> {
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

/// Says what failed, where there is somebody to hear it.
fn explain(failure: Failure) -> Status {
    match failure {
        // Help and the version are output like any other; clap calls them errors.
        Failure::Use(error) => match (error.print(), error.use_stderr()) {
            (_, true) => Status::WrongUse,
            (Ok(()), false) => Status::AsExpected,
            (Err(error), false) => explain(Failure::Output(error)),
        },
        Failure::Trouble(text) => {
            let _ = writeln!(io::stderr(), "udp-lab: {text}");
            Status::CouldNotRun
        }
        // Whoever closed the pipe has seen enough.
        Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Status::AsExpected,
        Failure::Output(error) => {
            let _ = writeln!(io::stderr(), "udp-lab: cannot write the output: {error}");
            Status::CouldNotRun
        }
    }
}

enum Failure {
    Use(clap::Error),
    Trouble(String),
    Output(io::Error),
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Failure::Use(error)
    }
}

impl From<SceneError> for Failure {
    fn from(error: SceneError) -> Self {
        Failure::Trouble(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

impl From<Ended> for Failure {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Call(error) => Failure::Trouble(error.to_string()),
            Ended::Address(text) => Failure::Trouble(text),
            Ended::Output(error) => Failure::Output(error),
        }
    }
}

/// Runs the command; `given` are the arguments as they were written.
fn run(matches: &ArgMatches, given: &[String], options: Options) -> Result<Status, Failure> {
    let Some((name, arguments)) = matches.subcommand() else { return Ok(Status::WrongUse) };
    match name {
        "all" => all(arguments, options),
        "list" => list(options),
        "server" => converse(name, options, |transcript| {
            Server::from_arg_matches(arguments)?.run(transcript).map_err(Failure::from)
        }),
        "client" => converse(name, options, |transcript| {
            Client::from_arg_matches(arguments)?.run(transcript).map_err(Failure::from)
        }),
        "expect" => expect(arguments, options),
        "explain" => explain_lesson(arguments, options),
        "doctor" => doctor(options),
        "completions" => written(&around::completions(arguments, &mut command())),
        "man" => written(&around::man(command())?),
        name => match find(name) {
            Some(lesson) => one(lesson, arguments, given, options),
            None => Ok(Status::WrongUse),
        },
    }
}

fn one(lesson: &Lesson, arguments: &ArgMatches, given: &[String], options: Options) -> Result<Status, Failure> {
    let scenes = lesson.scenes(arguments)?;
    let files = Files::open(arguments)?;
    let step = step(arguments, options)?;
    let choice = choice(lesson, arguments, options)?;
    let report = run_lesson(lesson, scenes, choice, step.as_ref())?;
    let host = kernel::host();
    let results = Results {
        reports: std::slice::from_ref(&report),
        host: &host,
        look: options.look(),
        arguments: given,
        trace: arguments.get_flag("trace"),
    };
    let text = match choice {
        None => options.format.reports(&results),
        Some(choice) => foretold(choice, &report, &results),
    };
    hand_over(&text, &results, &files)
}

/// Runs a lesson, step by step where that is asked for.
fn run_lesson(
    lesson: &Lesson,
    scenes: Vec<Scene>,
    choice: Option<Choice>,
    step: Option<&Arc<Step>>,
) -> Result<Report, Failure> {
    let Some(step) = step else { return Ok(progress::shown(lesson.name, || lesson.run(scenes, None))?) };
    // Who was asked to predict has read the question.
    let spoken = step.lesson(lesson.name, lesson.title, choice.is_none().then_some(lesson.question))?;
    let report = lesson.run(scenes, Some(Arc::clone(step) as Arc<dyn Observer>))?;
    if spoken {
        print("\n")?;
    }
    Ok(report)
}

/// The conversation that `--step` asks for.
fn step(arguments: &ArgMatches, options: Options) -> Result<Option<Arc<Step>>, Failure> {
    if !arguments.get_flag("step") {
        return Ok(None);
    }
    conversation("--step", options)?;
    Ok(Some(Arc::new(Step::new(options.look(), print))))
}

fn conversation(option: &str, options: Options) -> Result<(), Failure> {
    match options.format {
        Format::Table => Ok(()),
        _ => Err(wrong_value(format!("{option} is a conversation: it goes with --format table only"))),
    }
}

fn wrong_value(text: String) -> Failure {
    Failure::Use(clap::Error::raw(ErrorKind::ValueValidation, text + "\n"))
}

/// What is expected before the run, where `--predict` asks for it.
fn choice(lesson: &Lesson, arguments: &ArgMatches, options: Options) -> Result<Option<Choice>, Failure> {
    let Some(letter) = arguments.get_one::<String>("predict") else { return Ok(None) };
    conversation("--predict", options)?;
    if letter.is_empty() {
        let mut out = AutoStream::auto(io::stdout().lock());
        return Ok(Some(predict::ask(lesson.question, &lesson.guess, options.look(), &mut out)?));
    }
    match lesson.guess.place_of(letter) {
        Some(place) => Ok(Some(Choice::Said(place))),
        None => {
            let last = lesson.guess.last_letter();
            Err(wrong_value(format!("--predict={letter}: the answers of {} are a to {last}", lesson.name)))
        }
    }
}

/// What became of a prediction, and why, above the report.
fn foretold(choice: Choice, report: &Report, results: &Results<'_>) -> String {
    let look = Look { why: false, ..results.look };
    let outcome = table::outcome(choice, report, look);
    format!("{outcome}\n{}", table::reports(&Results { look, ..*results }))
}

fn all(arguments: &ArgMatches, options: Options) -> Result<Status, Failure> {
    let files = Files::open(arguments)?;
    let host = kernel::host();
    let trace = arguments.get_flag("trace");
    let nothing = Results { reports: &[], host: &host, look: options.look(), arguments: &[], trace };
    let mut reports: Vec<Report> = Vec::new();
    let mut asked = None;
    let mut stopped = None;
    let step = step(arguments, options)?;
    for lesson in LESSONS {
        let choice = choice(lesson, arguments, options)?;
        let report = match run_lesson(lesson, lesson.default_scenes()?, choice, step.as_ref()) {
            Ok(report) => report,
            Err(failure) => {
                stopped = Some(failure);
                break;
            }
        };
        // Whoever answers, or goes step by step, wants to see before the next lesson.
        let single =
            Results { reports: std::slice::from_ref(&report), arguments: &[lesson.name.to_owned()], ..nothing };
        if let Some(choice) = choice {
            let (said, right) = asked.get_or_insert((0, 0));
            if let Choice::Said(place) = choice {
                *said += 1;
                *right += usize::from(place == lesson.guess.right);
            }
            print(&(foretold(choice, &report, &single) + "\n"))?;
        } else if step.is_some() {
            print(&(table::reports(&single) + "\n"))?;
        }
        reports.push(report);
    }
    let results = Results { reports: &reports, ..nothing };
    let text = match asked {
        None if step.is_none() => options.format.reports(&results),
        None | Some((0, _)) => table::tallies(&results),
        Some((said, right)) => format!("You expected {right} of {said}.\n\n{}", table::tallies(&results)),
    };
    let Some(failure) = stopped else { return hand_over(&text, &results, &files) };
    // What was seen before the trouble is not lost; a file would look like a whole run.
    if !reports.is_empty() {
        print(&text)?;
    }
    Err(failure)
}

/// Prints what a run left and writes it to the files; one that fails does not keep the other from it.
fn hand_over(text: &str, results: &Results<'_>, files: &Export) -> Result<Status, Failure> {
    let exported = files.write(results);
    let printed = print(text);
    exported.map_err(Failure::Trouble)?;
    match printed {
        // Whoever closed the pipe has seen enough, and still wants to know whether a row differs.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        printed => printed?,
    }
    for report in results.reports {
        if let [first, more @ ..] = &report.stopped()[..] {
            let more = match more.len() {
                0 => String::new(),
                count => format!(" ({count} more of {} could not run, as its table says)", report.lesson),
            };
            let _ = writeln!(io::stderr(), "udp-lab: {first}{more}");
        }
    }
    Ok(Status::of(results.reports))
}

fn expect(arguments: &ArgMatches, options: Options) -> Result<Status, Failure> {
    let Some((name, arguments)) = arguments.subcommand() else { return Ok(Status::WrongUse) };
    let Some(lesson) = find(name) else { return Ok(Status::WrongUse) };
    let prediction = lesson.predict(&lesson.scenes(arguments)?);
    let os = arguments.get_one::<Os>("os").copied();
    let (blank, look) = (arguments.get_flag("blank"), options.look());
    print(&match options.format {
        Format::Table => expectations::sheet(&prediction, os, blank, look),
        Format::Plain => expectations::as_plain(&prediction, os, blank, look),
        Format::Markdown => expectations::as_markdown(&prediction, os, blank, look),
        Format::Json => expectations::as_json(&prediction, os),
        Format::Csv => expectations::as_csv(&prediction, os, blank),
    })?;
    Ok(Status::AsExpected)
}

fn explain_lesson(arguments: &ArgMatches, options: Options) -> Result<Status, Failure> {
    let name = arguments.get_one::<String>("lesson").map(String::as_str).unwrap_or_default();
    let Some(lesson) = find(name) else { return Ok(Status::WrongUse) };
    written(&match options.format {
        Format::Table => page::page(lesson.page(), options.look()),
        Format::Markdown => lesson.page().to_owned(),
        Format::Json => json::pretty(&json!({ "schema": 1, "lesson": lesson.name, "markdown": lesson.page() })),
        Format::Plain | Format::Csv => {
            return Err(refused(options.format, "explain writes --format table, markdown or json"));
        }
    })
}

fn doctor(options: Options) -> Result<Status, Failure> {
    let json = table_or_json(options.format, "doctor writes --format table or json")?;
    let look = options.look();
    let checkup = Checkup::new(&[
        ("width", "Width of the output", format!("{} columns", look.width)),
        ("terminal", "Output is a terminal", if io::stdout().is_terminal() { "yes" } else { "no" }.to_owned()),
        ("color", "Colour", if coloured() { "yes" } else { "no" }.to_owned()),
        ("locale", "Locale", locale().unwrap_or_else(|| "not set".to_owned())),
        ("utf8", "Characters drawn with", if look.ascii { "ASCII" } else { "UTF-8" }.to_owned()),
    ])?;
    print(&if json { checkup::json(&checkup) } else { checkup::table(&checkup, look) })?;
    checkup.loopback.map(|()| Status::AsExpected).map_err(|error| SceneError::from(error).into())
}

fn coloured() -> bool {
    AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// Writes a finished text.
fn written(text: &str) -> Result<Status, Failure> {
    print(text)?;
    Ok(Status::AsExpected)
}

fn list(options: Options) -> Result<Status, Failure> {
    let look = options.look();
    let keys = ["lesson", "title", "question"];
    let lessons: Vec<_> = LESSONS.iter().map(|lesson| [lesson.name, lesson.title, lesson.question]).collect();
    print(&match options.format {
        Format::Table => {
            let rows: Vec<_> =
                lessons.iter().map(|[name, _, question]| ((*name).to_owned(), (*question).to_owned())).collect();
            table::pairs(["Lesson", "Question"], &rows, look)
        }
        Format::Plain => plain::records(keys, &lessons, look),
        Format::Markdown => markdown::table(["Lesson", "Title", "Question"], &lessons, look),
        Format::Csv => csv::records([keys].into_iter().chain(lessons)),
        Format::Json => {
            let lessons = LESSONS
                .iter()
                .map(|lesson| json!({ "lesson": lesson.name, "title": lesson.title, "question": lesson.question }));
            json::pretty(&json!({ "schema": 1, "lessons": lessons.collect::<Vec<_>>() }))
        }
    })?;
    Ok(Status::AsExpected)
}

/// The one place that writes results: everything at once, when it is finished.
fn print(text: &str) -> io::Result<()> {
    let mut out = AutoStream::auto(io::stdout().lock());
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// A format that the command does not have; `sentence` says which it has.
fn refused(format: Format, sentence: &str) -> Failure {
    let asked = format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    clap::Error::raw(ErrorKind::InvalidValue, format!("{sentence}, not {asked}\n")).into()
}

/// Whether it is JSON that is asked for, of a command that has no other format beside the table.
fn table_or_json(format: Format, sentence: &str) -> Result<bool, Failure> {
    match format {
        Format::Table => Ok(false),
        Format::Json => Ok(true),
        Format::Plain | Format::Markdown | Format::Csv => Err(refused(format, sentence)),
    }
}

/// A conversation is written line by line while it goes on: only sentences and JSON can be.
fn converse(
    name: &str,
    options: Options,
    talk: impl FnOnce(&mut Transcript<'_>) -> Result<(), Failure>,
) -> Result<Status, Failure> {
    let lines = format!("{name} writes a line as things happen: --format table or json");
    let json = table_or_json(options.format, &lines)?;
    let mut out = BufWriter::with_capacity(64 * 1024, AutoStream::auto(io::stdout().lock()));
    talk(&mut Transcript { out: &mut out, json, look: options.look() })?;
    out.flush()?;
    Ok(Status::AsExpected)
}

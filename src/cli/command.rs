//! The tree of commands: what can be asked for, and the help.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Args, Command, value_parser};
use clap_complete::Shell;
use colorchoice_clap::Color;

use super::export::Files;
use super::failure::EXIT_STATUS;
use super::options;
use crate::lessons::{LESSONS, Lesson};
use crate::programs::client::Client;
use crate::programs::relay::Relay;
use crate::programs::server::Server;
use crate::render::glossary;
use crate::vocabulary::Os;

pub(super) const ABOUT: &str =
    "UDP in the classroom: runs real sockets, and compares what the system did with what the standards say";
const ALL: &str = "Run every lesson in teaching order, then sum up";
pub(super) const SERVER: &str = "A small server: one socket, one loop, an answer to every datagram";
pub(super) const CLIENT: &str = "A small client: sends messages and prints the answers";
pub(super) const RELAY: &str =
    "A bad network between the two: loses, delays, duplicates, reorders and corrupts datagrams";

/// The pages that go with no lesson, by the name that `explain` takes.
pub(super) const PAGES: [(&str, &str); 2] =
    [("glossary", glossary::PAGE), ("two-machines", include_str!("../../docs/two-machines.md"))];

/// The whole command line; lessons come from the registry.
pub fn command() -> Command {
    let command = Command::new("udp-lab")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(format!("Start with: udp-lab boundaries\n\n{EXIT_STATUS}"))
        .subcommands(LESSONS.iter().map(|lesson| lesson_command(lesson)))
        .subcommand(all_command())
        .subcommand(list_command())
        .subcommand(find_command())
        .subcommand(expect_command())
        .subcommand(systems_command())
        .subcommand(record_command())
        .subcommand(server_command())
        .subcommand(client_command())
        .subcommand(relay_command())
        .subcommands(text_commands());
    Color::augment_args(command.args(options::of_every_command())).about(ABOUT).long_about(None)
}

fn lesson_command(lesson: &'static Lesson) -> Command {
    // Deferred: the start-up of one lesson does not pay for the others.
    Command::new(lesson.name).about(lesson.title).defer(|command| {
        with_lesson(command, |lesson, command| {
            let about = format!("{}\n\n{}", lesson.title, lesson.question);
            let example = format!("udp-lab {} {}", lesson.name, lesson.example);
            let step = format!("At the projector: udp-lab {} --step", lesson.name);
            Files::augment_args(lesson.augment(command))
                .args([full_option(), scene_option(), why_option(), predict_option(), step_option(), trace_option()])
                .args(options::of_every_command())
                .about(lesson.title)
                .long_about(about)
                .after_help(format!(
                    "{}\n\nWhy: {}\n\nExample: {}\n{step}\n\n{EXIT_STATUS}",
                    scenes_of(lesson),
                    lesson.why,
                    example.trim_end()
                ))
        })
    })
}

/// The scenes of a lesson, for its help.
fn scenes_of(lesson: &Lesson) -> String {
    let scenes = lesson.default_scenes().unwrap_or_default();
    let scenes: Vec<String> = scenes.iter().map(|scene| format!("{} {}", scene.number(), scene.id())).collect();
    format!("Scenes: {}", scenes.join(", "))
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
        .help(
            "Print the calls below the table as strace does; with --full, those that repeat, too. JSON always has all",
        )
        .action(ArgAction::SetTrue)
}

fn full_option() -> Arg {
    Arg::new("full")
        .long("full")
        .help("Show everything: each scene with all its rows, the reason, and how to check it from outside")
        .action(ArgAction::SetTrue)
}

fn scene_option() -> Arg {
    Arg::new("scene")
        .long("scene")
        .value_name("N|ID")
        .help("Only this scene, by its number or its name; may be given several times")
        .action(ArgAction::Append)
}

fn why_option() -> Arg {
    Arg::new("why").long("why").help("Add the reason, with its sources").action(ArgAction::SetTrue)
}

fn python_option() -> Arg {
    Arg::new("python")
        .long("python")
        .help("Print the lesson's Python program instead: the key rows, shown with the standard library alone")
        .action(ArgAction::SetTrue)
        .conflicts_with_all(["full", "scene", "why"])
}

fn predict_option() -> Arg {
    Arg::new("predict")
        .long("predict")
        .value_name("LETTER")
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("")
        .help("First ask the question, with answers to choose from, and wait for one; or take the one given")
}

fn step_option() -> Arg {
    Arg::new("step")
        .long("step")
        .help(
            "Stop before each call of the scene that answers the question, and before every other scene; Enter goes on",
        )
        .action(ArgAction::SetTrue)
}

/// The lesson of this name.
pub(super) fn find(name: &str) -> Option<&'static Lesson> {
    LESSONS.iter().find(|lesson| lesson.name == name).copied()
}

/// The lesson of a name that the command line has taken for one.
pub(super) fn known(name: &str) -> &'static Lesson {
    find(name).expect("the commands are made of the registry")
}

fn all_command() -> Command {
    Command::new("all").about(ALL).defer(|command| {
        Files::augment_args(command)
            .args([full_option(), why_option(), predict_option(), step_option(), trace_option()])
            .args(options::of_every_command())
            .about(ALL)
            .long_about(None)
            .after_help(format!("Example: udp-lab all --predict\n\n{EXIT_STATUS}"))
    })
}

fn list_command() -> Command {
    Command::new("list").about("The lessons in teaching order, with their questions").defer(|command| {
        command.args(options::of_every_command()).after_help("Example: udp-lab list\n\nExit status: 0; 2 wrong use.")
    })
}

fn find_command() -> Command {
    Command::new("find").about("Which lesson answers a question of your own, or explains an error message").defer(
        |command| {
            command
                .arg(
                    Arg::new("words")
                        .value_name("WORDS")
                        .help("The question, an error's name or number, an option's name, or a whole message in quotation marks")
                        .required(true)
                        .num_args(1..)
                        .allow_negative_numbers(true),
                )
                .args(options::of_every_command())
                .after_help(
                    "Searches docs/questions.md, the glossary, and the names, questions and rows of the lessons. At most five \
                     answers, best first, each with the command to run and the row or section to look at.\n\n\
                     Example: udp-lab find connection refused\n\
                     A pasted message: udp-lab find \"OSError: [Errno 98] Address already in use\"\n\n\
                     Exit status: 0; 1 nothing was found; 2 wrong use.",
                )
        },
    )
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
                            lesson
                                .augment(command)
                                .args([full_option(), scene_option(), why_option()])
                                .args(options::of_every_command())
                                .about(lesson.title)
                                .long_about(None)
                        })
                    })
                }))
                .args(options::of_every_command())
                .after_help(
                    "Takes the lesson's own parameters; the expectations follow them.\n\n\
                 Example: udp-lab expect truncation --os windows\n\n\
                 Exit status: 0; 2 wrong use.",
                )
        },
    )
}

fn systems_command() -> Command {
    Command::new("systems").about("What other systems really answered, from records that were made there").defer(
        |command| {
            command
                .arg(
                    Arg::new("lesson")
                        .value_name("LESSON")
                        .help("The lesson; without it, the systems and what differs on them")
                        .value_parser(PossibleValuesParser::new(LESSONS.iter().map(|lesson| lesson.name))),
                )
                .args(options::of_every_command())
                .after_help(
                    "The records are those of the lessons' own parameters. --format markdown without LESSON prints \
                     docs/systems.md.\n\n\
                     Example: udp-lab systems delivery\n\nExit status: 0; 2 wrong use.",
                )
        },
    )
}

fn record_command() -> Command {
    Command::new("record").about("Run every lesson and write down what this system answered, for `systems`").defer(
        |command| {
            command
                .arg(Arg::new("within").long("within").value_name("TEXT").help(
                    "What this system runs in, with its version, if it is not a machine of its own: an emulator, a sandbox",
                ))
                .args(options::of_every_command())
                .after_help(
                    "Writes JSON with a line for each row: the answer and the verdict. Numbers that are only measured are \
                     left out. docs/systems.md says what to do with it.\n\n\
                     Example: udp-lab record > freebsd-14.json\n\n\
                     Exit status: 0 it is written, whether or not rows differ; 2 wrong use; 3 could not run here.",
                )
        },
    )
}

fn server_command() -> Command {
    Command::new("server").about(SERVER).defer(|command| {
        Server::augment_args(command).about(SERVER).long_about(None).args(options::of_every_command()).after_help(
            "One line for each datagram: number, peer, bytes, text. Anybody can forge a sender; so three rules say what is not \
             answered, and the line then names the rule. Against amplification: no reply of more than three times the bytes of \
             its request, headers counted (RFC 9000 section 8.1), which leaves 56 bytes always; none of it on loopback. \
             Against loops: nothing that arrives with a time to live of 32 or less, which answers of servers have (Windows \
             does not report it), and the reply text itself only ten times in a row from each peer. At most 65536 peers are \
             distinguished, so that forged ones cannot fill the memory.\n\n\
             Example: udp-lab server 127.0.0.1:8888 --reply Hello --count 3\n\n\
             Exit status: 0 ended by Ctrl-C or --count; 2 wrong use; 3 could not run here.",
        )
    })
}

fn client_command() -> Command {
    Command::new("client").about(CLIENT).defer(|command| {
        Client::augment_args(command).about(CLIENT).long_about(None).args(options::of_every_command()).after_help(
            "Asks `Msg: ` for each message; an empty line ends it. Input that is no terminal is read to its end: a line is a \
             datagram, an empty one too. The time-out is one deadline for sending and for the answer; to look the name of the \
             server up may take longer. It receives from this server only, at one port: its socket is connected. UDP does \
             not say which message an answer belongs to: what comes too late is set aside and counted before the next \
             message, and shown as perhaps late after it.\n\n\
             Example: udp-lab client 127.0.0.1:8888 hello world\n\
             As ping: udp-lab client 127.0.0.1:8888 --count 10 --numbered --timeout 1s\n\n\
             Exit status: 0 whether or not answers came, the table tells; 1 with --fail-unanswered where one did not; 2 wrong \
             use; 3 could not run here.",
        )
    })
}

fn relay_command() -> Command {
    Command::new("relay").about(RELAY).defer(|command| {
        Relay::augment_args(command).about(RELAY).long_about(None).args(options::of_every_command()).after_help(
            "Forwards to TO what clients send to LISTEN, and the answers back, with the same options in each direction. One line for \
             each datagram says what was decided: `client 1 -> server #3` is the third one to the server. The decision depends only \
             on the seed, the direction and this number, so a seed can be repeated. What is held back is not \
             delayed as well; delays of different length swap datagrams, too. The changed byte is one of the payload: the system \
             that sends it computes a valid checksum for it, so that only the program can detect it. Each client has a socket \
             of its own towards the server: 100 clients at most, of whom one that has been silent for 1m gives way to a new one. \
             At most 1000 datagrams wait.\n\n\
             Anybody can forge a sender: over a network no more bytes go to a client than three times those that came from it, \
             headers counted. What goes on has one hop less to live than it came with, as behind a router, so that relays in a \
             circle come to an end (Windows does not report the time to live).\n\n\
             Example: udp-lab relay 9999 8888 --lose 30% --delay 20ms..80ms --seed 45\n\n\
             Exit status: 0 ended by Ctrl-C; 2 wrong use; 3 could not run here.",
        )
    })
}

/// The commands that only write a text.
fn text_commands() -> [Command; 4] {
    [
        Command::new("explain")
            .about("The teacher's page of a lesson: what to ask, run, point at and try next; or another page")
            .defer(|command| {
                command
                    .arg(
                        Arg::new("lesson")
                            .value_name("LESSON")
                            .help("The lesson; `glossary` for the terms; `two-machines` when they do not receive from each other")
                            .required(true)
                            .value_parser(PossibleValuesParser::new(
                                LESSONS.iter().map(|lesson| lesson.name).chain(PAGES.map(|(name, _)| name)),
                            )),
                    )
                    .args([full_option(), scene_option(), why_option(), python_option()])
                    .args(options::of_every_command())
                    .after_help(
                        "Transcripts stay as wide as they are. --format json has the page in Markdown.\n\n\
                         Example: udp-lab explain boundaries\n\nExit status: 0; 2 wrong use.",
                    )
            }),
        Command::new("doctor").about("What this machine can show, and what will be skipped: ready to paste").defer(
            |command| {
                command.args(options::of_every_command()).after_help(
                    "Opens a few sockets on loopback and changes nothing.\n\n\
                     Example: udp-lab doctor --format json\n\n\
                     Exit status: 0; 2 wrong use; 3 loopback does not work, so no lesson can run.",
                )
            },
        ),
        Command::new("completions").about("The script that completes this command line in a shell").defer(|command| {
            command
                .arg(
                    Arg::new("shell")
                        .value_name("SHELL")
                        .help("The shell")
                        .required(true)
                        .ignore_case(true)
                        .value_parser(value_parser!(Shell)),
                )
                .args(options::of_every_command())
                .after_help(
                    "Example: udp-lab completions bash > ~/.local/share/bash-completion/completions/udp-lab\n\n\
                     Exit status: 0; 2 wrong use.",
                )
        }),
        Command::new("man").about("The manual page, for man(1)").defer(|command| {
            command
                .args(options::of_every_command())
                .after_help("Example: udp-lab man > ~/.local/share/man/man1/udp-lab.1\n\nExit status: 0; 2 wrong use.")
        }),
    ]
}

//! The commands around the lessons: what they are called, and the texts that follow from the command line itself.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use crate::lessons::LESSONS;

const NAME: &str = "udp-lab";

/// The commands of this module, and `doctor` and `explain`.
pub fn commands() -> [Command; 4] {
    [
        Command::new("explain").about("The teacher's page of a lesson: what to ask, run, point at and try next").defer(
            |command| {
                command
                    .arg(
                        Arg::new("lesson")
                            .value_name("LESSON")
                            .help("The lesson")
                            .required(true)
                            .value_parser(PossibleValuesParser::new(LESSONS.iter().map(|lesson| lesson.name))),
                    )
                    .after_help(
                        "Transcripts stay as wide as they are. --format json has the page in Markdown.\n\n\
                         Example: udp-lab explain boundaries\n\nExit status: 0; 2 wrong use.",
                    )
            },
        ),
        Command::new("doctor").about("What this machine can show, and what will be skipped: ready to paste").defer(
            |command| {
                command.after_help(
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
                .after_help(
                    "Example: udp-lab completions bash > ~/.local/share/bash-completion/completions/udp-lab\n\n\
                     Exit status: 0; 2 wrong use.",
                )
        }),
        Command::new("man").about("The manual page, for man(1)").defer(|command| {
            command
                .after_help("Example: udp-lab man > ~/.local/share/man/man1/udp-lab.1\n\nExit status: 0; 2 wrong use.")
        }),
    ]
}

/// The completion script of the shell that `arguments` name.
pub fn completions(arguments: &ArgMatches, command: &mut Command) -> String {
    let mut script = Vec::new();
    if let Some(shell) = arguments.get_one::<Shell>("shell") {
        clap_complete::generate(*shell, command, NAME, &mut script);
    }
    // clap_complete 4.6 spells a name with a hyphen in two ways in one bash script, so that nothing is completed behind a
    // command (clap-rs/clap#6421). No script has the wrong spelling for anything else.
    String::from_utf8_lossy(&script).replace("udp__subcmd__lab", "udp__lab")
}

/// The manual page in roff: the help of the program, then of each command.
///
/// Not by `clap_mangen`: it adds 53 KB to the binary, and refers to a page for each command, which do not exist.
pub fn man(command: Command) -> String {
    // Indented by seven columns the help fits a terminal of 80.
    let mut command = command.term_width(72).disable_help_subcommand(true);
    command.build();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut page = format!(".TH UDP-LAB 1 \"\" \"{NAME} {}\" \"User Commands\"\n", env!("CARGO_PKG_VERSION"));
    page += &format!(".SH NAME\n{} \\- {}\n", roff(NAME), roff(&about));
    page += ".SH SYNOPSIS\n.B udp\\-lab\n.I COMMAND\n[\\fIOPTION\\fR ...]\n.SH DESCRIPTION\n";
    page += &as_it_is(&mut command);
    page += ".SH COMMANDS\n";
    for command in command.get_subcommands() {
        // The options of every command are described above, once.
        let mut command = command.clone().mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg });
        page += &format!(".SS {} {}\n{}", roff(NAME), roff(command.get_name()), as_it_is(&mut command));
    }
    page
}

/// The help of `command` in its own lines.
fn as_it_is(command: &mut Command) -> String {
    format!(".nf\n{}\n.fi\n", roff(command.render_long_help().to_string().trim_end()))
}

/// Text that roff takes for text: no request at the beginning of a line, no escape, hyphens as they are typed.
fn roff(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.trim_end().replace('\\', "\\e").replace('-', "\\-");
        if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roff_takes_no_text_for_a_request() {
        assert_eq!(roff(".x\n'y\na\\b --c"), "\\&.x\n\\&'y\na\\eb \\-\\-c");
    }
}

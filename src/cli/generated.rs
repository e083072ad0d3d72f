//! Texts that follow from the command line itself: completion scripts and the manual page.

use std::io;

use clap::{Arg, ArgMatches, Command, ValueHint};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::render::PROGRAM;

/// The completion script of the shell that `arguments` name.
pub(super) fn completions(arguments: &ArgMatches, command: &mut Command) -> String {
    command.build();
    *command = without_files(std::mem::take(command));
    let mut script = Vec::new();
    if let Some(shell) = arguments.get_one::<Shell>("shell") {
        clap_complete::generate(*shell, command, PROGRAM, &mut script);
    }
    // clap_complete 4.6 spells a name with a hyphen in two ways in one bash script, so that nothing is completed behind
    // a command (clap-rs/clap#6421). No script has the wrong spelling for anything else.
    let script = String::from_utf8_lossy(&script).replace("udp__subcmd__lab", "udp__lab");
    if arguments.get_one::<Shell>("shell") == Some(&Shell::Fish) { script + &values_for_fish(command) } else { script }
}

/// The same command, where shells offer names of files for nothing but what is a path: where they know nothing of a
/// value, they do.
fn without_files(command: Command) -> Command {
    let hinted = |arg: Arg| match arg.get_value_hint() {
        ValueHint::Unknown if arg.get_action().takes_values() => arg.value_hint(ValueHint::Other),
        _ => arg,
    };
    command.mut_args(hinted).mut_subcommands(without_files)
}

/// What clap_complete 4.6 leaves out for fish, which then offers the names of files: the values of an argument that is
/// no option, and the commands behind `help`.
fn values_for_fish(command: &Command) -> String {
    let values = |command: &Command| -> Vec<String> {
        let values = command.get_positionals().flat_map(Arg::get_possible_values);
        values.map(|value| value.get_name().to_owned()).collect()
    };
    let names = command.get_subcommands().map(|subcommand| subcommand.get_name().to_owned()).collect();
    let behind = command.get_subcommands().map(|subcommand| (subcommand.get_name(), values(subcommand)));
    let behind = behind.chain([("help", names)]).filter(|(_, values)| !values.is_empty());
    let line = |(name, values): (&str, Vec<String>)| {
        let values = values.join(" ");
        format!("complete -c {PROGRAM} -n \"__fish_udp_lab_using_subcommand {name}\" -f -a \"{values}\"\n")
    };
    // No argument that is no option is a path.
    format!("complete -c {PROGRAM} -f\n") + &behind.map(line).collect::<String>()
}

/// The manual page in roff: the program, then each command with its options.
///
/// # Errors
/// None: it is written into memory.
pub(super) fn man(command: Command) -> io::Result<String> {
    let mut command = command.disable_help_subcommand(true).subcommand_value_name("COMMAND");
    command.build();
    let mut page = Vec::new();
    // roff would not count an empty date as an argument.
    let program = Man::new(command.clone()).title(PROGRAM.to_uppercase()).date(" ").manual("User Commands");
    program.render_title(&mut page)?;
    // Commands that are to be typed get no hyphens and no wider spaces.
    Roff::new().control("nh", []).control("ad", ["l"]).to_writer(&mut page)?;
    program.render_name_section(&mut page)?;
    program.render_synopsis_section(&mut page)?;
    program.render_description_section(&mut page)?;
    after_help(&command).to_writer(&mut page)?;
    program.render_options_section(&mut page)?;
    Roff::new().control("SH", ["COMMANDS"]).to_writer(&mut page)?;
    for subcommand in command.get_subcommands() {
        // The options of every command are described above, once.
        let described = |arg: &Arg| command.get_arguments().any(|known| known.get_id() == arg.get_id());
        let man = Man::new(subcommand.clone().mut_args(|arg| if described(&arg) { arg.hide(true) } else { arg }));
        let mut section = Vec::new();
        man.render_synopsis_section(&mut section)?;
        man.render_description_section(&mut section)?;
        after_help(subcommand).to_writer(&mut section)?;
        if subcommand.get_arguments().any(|arg| !described(arg)) {
            man.render_options_section(&mut section)?;
        }
        let title = format!("{PROGRAM} {}", subcommand.get_name());
        Roff::new().control("SS", [title.as_str()]).to_writer(&mut page)?;
        // A command is one section: its parts are paragraphs. No line of text begins like a request.
        for line in section.split_inclusive(|byte| *byte == b'\n') {
            page.extend(if line.starts_with(b".SH") { b".PP\n" } else { line });
        }
    }
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// What follows the options in the help, in paragraphs whose lines stay lines.
fn after_help(command: &Command) -> Roff {
    let mut text = Roff::new();
    for paragraph in command.get_after_help().map(ToString::to_string).unwrap_or_default().split("\n\n") {
        text.control("PP", []);
        for line in paragraph.lines() {
            text.text([roman(line)]).control("br", []);
        }
    }
    text
}

//! Runs of one lesson and of all.

use std::io;
use std::sync::Arc;

use clap::ArgMatches;

use super::export::{Export, Files};
use super::failure::{Failure, complain};
use super::options::Options;
use super::output::{print, stdout};
use super::progress;
use crate::interactive::predict;
use crate::interactive::step::Step;
use crate::kernel;
use crate::lab::Observer;
use crate::lessons::{LESSONS, Lesson, Scene};
use crate::render::{Format, RenderOptions, Results, table};
use crate::vocabulary::{Choice, Report, Status};

/// Runs one lesson; `given` are the arguments as they were written.
pub(super) fn one(
    lesson: &Lesson,
    arguments: &ArgMatches,
    given: &[String],
    options: Options,
) -> Result<Status, Failure> {
    let scenes = lesson.scenes(arguments)?;
    let files = Files::open(arguments)?;
    let step = step(arguments, options)?;
    refuse_detached_letter(lesson, given)?;
    let choice = choice(lesson, arguments, options)?;
    let report = run_lesson(lesson, scenes, choice, step.as_ref())?;
    let host = kernel::host();
    let results = Results {
        reports: std::slice::from_ref(&report),
        host: &host,
        options: options.render_options(),
        arguments: given,
        trace: arguments.get_flag("trace"),
    };
    let text = match choice {
        None => options.format.reports(&results),
        Some(choice) => with_prediction(choice, &report, &results),
    };
    finish(&text, &results, &files)
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
    Ok(Some(Arc::new(Step::new(options.render_options(), print))))
}

fn conversation(option: &str, options: Options) -> Result<(), Failure> {
    match options.format {
        Format::Table => Ok(()),
        _ => Err(Failure::wrong_value(&format!("{option} is a conversation: it goes with --format table only"))),
    }
}

/// Whoever writes `--predict b` means the answer, and would have it sent as a message.
fn refuse_detached_letter(lesson: &Lesson, given: &[String]) -> Result<(), Failure> {
    let behind = given.windows(2).find_map(|pair| (pair[0] == "--predict").then_some(pair[1].as_str()));
    match behind.filter(|letter| lesson.guess.place_of(letter).is_some()) {
        Some(letter) => Err(Failure::wrong_value(&format!(
            "--predict {letter}: an answer stands directly behind it: --predict={letter}. A message \"{letter}\" stands before it"
        ))),
        None => Ok(()),
    }
}

/// What is expected before the run, where `--predict` asks for it.
fn choice(lesson: &Lesson, arguments: &ArgMatches, options: Options) -> Result<Option<Choice>, Failure> {
    let Some(letter) = arguments.get_one::<String>("predict") else { return Ok(None) };
    conversation("--predict", options)?;
    if letter.is_empty() {
        let mut out = stdout();
        return Ok(Some(predict::ask(lesson.question, &lesson.guess, options.render_options(), &mut out)?));
    }
    match lesson.guess.place_of(letter) {
        Some(place) => Ok(Some(Choice::Said(place))),
        None => {
            let last = lesson.guess.last_letter();
            Err(Failure::wrong_value(&format!("--predict={letter}: the answers of {} are a to {last}", lesson.name)))
        }
    }
}

/// What became of a prediction, and why, above the report.
fn with_prediction(choice: Choice, report: &Report, results: &Results<'_>) -> String {
    let render_options = RenderOptions { why: false, ..results.options };
    let outcome = table::outcome(choice, report, render_options);
    format!("{outcome}\n{}", table::reports(&Results { options: render_options, ..*results }))
}

/// Runs every lesson, then sums up.
pub(super) fn all(arguments: &ArgMatches, options: Options) -> Result<Status, Failure> {
    let files = Files::open(arguments)?;
    let host = kernel::host();
    let trace = arguments.get_flag("trace");
    let nothing = Results { reports: &[], host: &host, options: options.render_options(), arguments: &[], trace };
    let mut reports: Vec<Report> = Vec::new();
    let mut asked = None;
    let step = step(arguments, options)?;
    for lesson in LESSONS {
        let choice = choice(lesson, arguments, options)?;
        let report = run_lesson(lesson, lesson.default_scenes()?, choice, step.as_ref())?;
        // Whoever answers, or goes step by step, wants to see before the next lesson.
        let single =
            Results { reports: std::slice::from_ref(&report), arguments: &[lesson.name.to_owned()], ..nothing };
        if let Some(choice) = choice {
            let (said, right) = asked.get_or_insert((0, 0));
            if let Choice::Said(place) = choice {
                *said += 1;
                *right += usize::from(place == lesson.guess.right);
            }
            print(&(with_prediction(choice, &report, &single) + "\n"))?;
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
    finish(&text, &results, &files)
}

/// Prints what a run left and writes it to the files; one that fails does not keep the other from it.
fn finish(text: &str, results: &Results<'_>, files: &Export) -> Result<Status, Failure> {
    let exported = files.write(results);
    let printed = print(text);
    exported.map_err(Failure::Environment)?;
    match printed {
        // Whoever closed the pipe has seen enough, and still wants to know whether a row differs.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        printed => printed?,
    }
    results.reports.iter().for_each(say_what_stopped);
    Ok(Status::of(results.reports))
}

/// Scenes that could not run are in the table with the reason; whoever reads only errors learns of the first.
fn say_what_stopped(report: &Report) {
    let stopped = report.stopped();
    let Some(first) = stopped.first() else { return };
    let more = match stopped.len() - 1 {
        0 => String::new(),
        count => format!(" ({count} more of {} could not run, as its table says)", report.lesson),
    };
    complain(&format!("{first}{more}"));
}

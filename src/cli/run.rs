//! Runs of one lesson and of all.

use std::io;
use std::sync::Arc;

use clap::ArgMatches;

use super::export::{Export, Files};
use super::failure::{Failure, complain};
use super::options::{Options, table_or_json};
use super::output::{print, stdout};
use super::progress;
use crate::interactive::predict::{self, Asked};
use crate::interactive::step::Step;
use crate::kernel;
use crate::lab::Observer;
use crate::lessons::{LESSONS, Lesson, Scene};
use crate::render::{self, Detail, Format, Invocation, RenderOptions, Results, table};
use crate::systems::Record;
use crate::vocabulary::{Choice, Report, Status};

/// Runs one lesson; `given` are the arguments as they were written.
pub(super) fn one(
    lesson: &Lesson,
    arguments: &ArgMatches,
    invocation: &Invocation,
    given: &[String],
    options: Options,
) -> Result<Status, Failure> {
    let scenes = chosen(lesson, lesson.scenes(arguments)?, arguments)?;
    let files = Files::open(arguments)?;
    let step = step(arguments, options)?;
    refuse_detached_letter(lesson, given)?;
    let asked = asked(lesson, &scenes, arguments, options)?;
    let choice = asked.as_ref().map(|asked| asked.choice);
    let stops = if arguments.contains_id("scene") { Stops::EveryScene } else { Stops::KeyScene };
    let report = run_lesson(lesson, scenes, choice, step.as_ref().map(|step| (step, stops)))?;
    let host = kernel::host();
    let results = Results {
        reports: std::slice::from_ref(&report),
        host: &host,
        options: detailed(arguments, options),
        invocation,
        arguments: given,
        trace: arguments.get_flag("trace"),
    };
    let text = match choice {
        None => options.format().reports(&results),
        Some(choice) => with_prediction(choice, &report, &results),
    };
    let unread = asked.and_then(|asked| asked.unread);
    with_input(unread.as_deref(), step.as_deref(), finish(&text, &results, &files)?)
}

/// The scenes that `--scene` asks for; all, where it is not given.
pub(super) fn chosen(lesson: &Lesson, scenes: Vec<Scene>, arguments: &ArgMatches) -> Result<Vec<Scene>, Failure> {
    let Some(asked) = arguments.get_many::<String>("scene") else { return Ok(scenes) };
    let mut kept = vec![false; scenes.len()];
    for name in asked {
        let is_asked = |scene: &Scene| scene.id() == name || scene.number().to_string() == *name;
        let Some(place) = scenes.iter().position(is_asked) else {
            let ids: Vec<&str> = scenes.iter().map(Scene::id).collect();
            let known = format!("the scenes of {} are 1 to {}, or {}", lesson.name, ids.len(), ids.join(", "));
            return Err(Failure::wrong_value(&format!("--scene {name}: {known}")));
        };
        kept[place] = true;
    }
    Ok(scenes.into_iter().zip(kept).filter_map(|(scene, kept)| kept.then_some(scene)).collect())
}

/// How much is shown.
pub(super) fn detailed(arguments: &ArgMatches, options: Options) -> RenderOptions {
    let full = arguments.get_flag("full");
    let scenes = matches!(arguments.try_contains_id("scene"), Ok(true));
    let detail = match (full, scenes) {
        (true, _) => Detail::Full,
        (false, true) => Detail::Scenes,
        (false, false) => Detail::Answer,
    };
    let why = full || arguments.get_flag("why");
    RenderOptions { why, detail, ..options.render_options() }
}

/// Runs a lesson, step by step where that is asked for.
fn run_lesson(
    lesson: &Lesson,
    scenes: Vec<Scene>,
    choice: Option<Choice>,
    step: Option<(&Arc<Step>, Stops)>,
) -> Result<Report, Failure> {
    let Some((step, stops)) = step else { return Ok(progress::shown(lesson.name, || lesson.run(scenes, None))?) };
    let answers = |scene: &&Scene| scene.claims().iter().any(|claim| lesson.keys.first() == Some(&claim.id.as_str()));
    let closely: Vec<_> = match stops {
        Stops::EveryScene => scenes.iter().map(Scene::id).collect(),
        Stops::KeyScene => scenes.iter().filter(answers).map(Scene::id).collect(),
    };
    let all = scenes.iter().map(|scene| (scene.number(), scene.id())).collect();
    // Who was asked to predict has read the question.
    let spoken = step.lesson(lesson.name, choice.is_none().then_some(lesson.question), all, closely)?;
    let report = lesson.run(scenes, Some(Arc::clone(step) as Arc<dyn Observer>))?;
    if spoken {
        print("\n")?;
    }
    Ok(report)
}

/// The `status` of a run that was to ask or to stop: where the input could not be read, it did not do what it was asked
/// for, and that is said.
fn with_input(unread_answer: Option<&str>, step: Option<&Step>, status: Status) -> Result<Status, Failure> {
    let no_stops = || step.and_then(Step::unread).map(|error| no_stops(&error));
    match unread_answer.map(no_answer).or_else(no_stops) {
        Some(sentence) if status == Status::AsExpected => Err(Failure::Environment(sentence)),
        Some(sentence) => {
            complain(&sentence);
            Ok(status)
        }
        None => Ok(status),
    }
}

fn no_answer(error: &str) -> String {
    format!(
        "--predict: cannot read the input: {error}. So nobody could answer: run it in the foreground of a terminal, or write the \
         letter behind it: --predict=b."
    )
}

fn no_stops(error: &str) -> String {
    format!(
        "--step: cannot read the input: {error}. From there on nothing stopped: run it at a terminal, or with keys from a file or a pipe."
    )
}

/// Which scenes `--step` goes through call by call; each other one is a single step.
#[derive(Clone, Copy)]
enum Stops {
    /// The one that is drawn beside the answer.
    KeyScene,
    /// All that were asked for by name.
    EveryScene,
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
    match options.format() {
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

/// What is expected before the run, where `--predict` asks for it. Nothing is asked that these scenes do not answer.
fn asked(
    lesson: &Lesson,
    scenes: &[Scene],
    arguments: &ArgMatches,
    options: Options,
) -> Result<Option<Asked>, Failure> {
    let Some(letter) = arguments.get_one::<String>("predict") else { return Ok(None) };
    conversation("--predict", options)?;
    if letter.is_empty() {
        let has_row = |row: &str| scenes.iter().flat_map(Scene::claims).any(|claim| claim.id == row);
        if !lesson.guess.answers.iter().all(|answer| has_row(answer.row)) {
            return Ok(Some(Choice::Silent.into()));
        }
        let mut out = stdout();
        let question = format!("{}: {}", lesson.name, lesson.question);
        return Ok(Some(predict::ask(&question, &lesson.guess, options.render_options(), &mut out)?));
    }
    match lesson.guess.place_of(letter) {
        Some(place) => Ok(Some(Choice::Said(place).into())),
        None => {
            let last = lesson.guess.last_letter();
            Err(Failure::wrong_value(&format!("--predict={letter}: the answers of {} are a to {last}", lesson.name)))
        }
    }
}

/// The report, and as the last thing on the screen what became of a prediction.
fn with_prediction(choice: Choice, report: &Report, results: &Results<'_>) -> String {
    format!("{}\n{}", table::reports(results), table::outcome(choice, report, results))
}

/// Runs every lesson, then sums up.
pub(super) fn all(arguments: &ArgMatches, invocation: &Invocation, options: Options) -> Result<Status, Failure> {
    let files = Files::open(arguments)?;
    let host = kernel::host();
    let trace = arguments.get_flag("trace");
    let render_options = detailed(arguments, options);
    let nothing = Results { reports: &[], host: &host, options: render_options, invocation, arguments: &[], trace };
    let mut reports: Vec<Report> = Vec::new();
    let (mut score, mut unread) = (None, None);
    let step = step(arguments, options)?;
    for lesson in LESSONS {
        let scenes = lesson.default_scenes()?;
        let asked = asked(lesson, &scenes, arguments, options)?;
        let choice = asked.as_ref().map(|asked| asked.choice);
        unread = unread.or(asked.and_then(|asked| asked.unread));
        let report = run_lesson(lesson, scenes, choice, step.as_ref().map(|step| (step, Stops::KeyScene)))?;
        // Whoever answers, or goes step by step, wants to see before the next lesson.
        let single =
            Results { reports: std::slice::from_ref(&report), arguments: &[lesson.name.to_owned()], ..nothing };
        if let Some(choice) = choice {
            let (said, right) = score.get_or_insert((0, 0));
            if let Choice::Said(place) = choice
                && report.answers_as_expected(place)
            {
                *said += 1;
                *right += usize::from(place == lesson.guess.right());
            }
            print(&(with_prediction(choice, &report, &single) + "\n"))?;
        } else if step.is_some() {
            print(&(table::reports(&single) + "\n"))?;
        }
        reports.push(report);
    }
    let results = Results { reports: &reports, ..nothing };
    let text = match score {
        None if step.is_none() => options.format().reports(&results),
        None | Some((0, _)) => table::tallies(&results),
        Some((said, right)) => format!("{}\nYou expected {right} of {said}.\n", table::tallies(&results)),
    };
    with_input(unread.as_deref(), step.as_deref(), finish(&text, &results, &files)?)
}

/// `record`: runs every lesson, and writes down what this system answered.
pub(super) fn record(arguments: &ArgMatches, options: Options) -> Result<Status, Failure> {
    table_or_json(options.format(), "record writes JSON")?;
    let run = |lesson: &&Lesson| run_lesson(lesson, lesson.default_scenes()?, None, None);
    let reports = LESSONS.iter().map(run).collect::<Result<Vec<_>, Failure>>()?;
    let within = arguments.get_one::<String>("within").cloned();
    print(&render::systems::record(&Record::of(&reports, &kernel::host(), within)))?;
    reports.iter().for_each(say_what_stopped);
    let judged: usize = reports.iter().map(|report| report.tally().judged()).sum();
    Ok(if judged > 0 { Status::AsExpected } else { Status::CouldNotRun })
}

/// Prints what a run left and writes it to the files; one that fails does not keep the other from it.
fn finish(text: &str, results: &Results<'_>, files: &Export) -> Result<Status, Failure> {
    let exported = files.write(results);
    let printed = print(text);
    exported.map_err(Failure::Environment)?;
    files.say_what_is_written();
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

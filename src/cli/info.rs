//! The commands that run no lesson: what there is, what is expected, what it is about, what this machine can show.

use std::borrow::Cow;
use std::io::{self, IsTerminal};

use clap::ArgMatches;
use serde_json::json;

use super::command::{ABOUT, PAGES, find, known};
use super::failure::Failure;
use super::options::{Options, locale, table_or_json, unsupported};
use super::output::{coloured, print, write_text};
use super::run::{chosen, detailed};
use crate::doctor::{self, Checkup};
use crate::lessons::{LESSONS, Lesson, PARTS};
use crate::render::{self, Detail, Format, Invocation, csv, expectations, json, markdown, page, plain, table};
use crate::systems;
use crate::vocabulary::{Os, Status};

/// `expect`: what a lesson expects.
pub(super) fn expect(arguments: &ArgMatches, invocation: &Invocation, options: Options) -> Result<Status, Failure> {
    let (name, arguments) = arguments.subcommand().expect("clap requires a lesson");
    let lesson = known(name);
    let mut prediction = lesson.predict(&chosen(lesson, lesson.scenes(arguments)?, arguments)?);
    if lesson.uses_defaults(arguments) {
        systems::mark_observed(&mut prediction, &systems::all().map_err(Failure::Environment)?);
    }
    let os = arguments.get_one::<Os>("os").copied();
    let (blank, render_options) = (arguments.get_flag("blank"), detailed(arguments, options));
    write_text(&match options.format() {
        Format::Table => expectations::sheet(&prediction, os, blank, invocation, render_options),
        Format::Plain => expectations::as_plain(&prediction, os, blank, render_options),
        Format::Markdown => expectations::as_markdown(&prediction, os, blank, render_options),
        Format::Json => expectations::as_json(&prediction, os),
        Format::Csv => csv::marked(expectations::as_csv(&prediction, os, blank), render_options),
    })
}

/// `explain`: the teacher's page of a lesson, or one of [`PAGES`].
pub(super) fn explain(arguments: &ArgMatches, options: Options) -> Result<Status, Failure> {
    let name = arguments.get_one::<String>("lesson").map(String::as_str).unwrap_or_default();
    if arguments.get_flag("python") {
        let program = find(name).map(|lesson| lesson.python);
        return write_text(program.ok_or_else(|| {
            Failure::wrong_value(&format!("{name} has no Python program: --python goes with a lesson"))
        })?);
    }
    let text = match find(name) {
        Some(lesson) => explanation(lesson, arguments, options)?,
        None if detailed(arguments, options).detail != Detail::Answer => {
            return Err(Failure::wrong_value(&format!("{name} has no scenes: --scene and --full go with a lesson")));
        }
        None => Cow::Borrowed(PAGES.iter().find(|(page, _)| *page == name).map_or("", |(_, text)| text)),
    };
    write_text(&match options.format() {
        Format::Table => page::page(&text, options.render_options()),
        Format::Markdown => text.into_owned(),
        Format::Json => json::pretty(&json!({ "schema": 1, "lesson": name, "markdown": text })),
        Format::Plain | Format::Csv => {
            return Err(unsupported(options.format(), "explain writes --format table, markdown or json"));
        }
    })
}

/// The page of a lesson, or of it what is asked for: the reason, and what scenes expect, with the sources.
fn explanation(lesson: &Lesson, arguments: &ArgMatches, options: Options) -> Result<Cow<'static, str>, Failure> {
    let asked = detailed(arguments, options);
    let scenes = || -> Result<String, Failure> {
        let scenes = chosen(lesson, lesson.default_scenes()?, arguments)?;
        Ok(expectations::as_markdown(&lesson.predict(&scenes), None, false, asked))
    };
    Ok(match asked.detail {
        Detail::Full => Cow::Owned(format!("{}\n{}", lesson.page, scenes()?)),
        Detail::Scenes => Cow::Owned(scenes()?),
        Detail::Answer if asked.why => {
            let Lesson { name, title, question, why, .. } = lesson;
            Cow::Owned(format!("# {name}: {title}\n\n{question}\n\n{why}\n"))
        }
        Detail::Answer => Cow::Borrowed(lesson.page),
    })
}

/// `systems`: what other systems answered.
pub(super) fn systems(arguments: &ArgMatches, invocation: &Invocation, options: Options) -> Result<Status, Failure> {
    let systems = systems::all().map_err(Failure::Environment)?;
    let asked = arguments.get_one::<String>("lesson");
    let lessons = LESSONS.iter().filter(|lesson| asked.is_none_or(|name| name == lesson.name));
    let lessons = lessons.map(|lesson| Ok(lesson.predict(&lesson.default_scenes()?)));
    let lessons = lessons.collect::<Result<Vec<_>, clap::Error>>()?;
    let one = lessons.first().filter(|_| asked.is_some());
    let render_options = options.render_options();
    write_text(&match (options.format(), one) {
        (Format::Table, Some(lesson)) => render::systems::sheet(&systems, lesson, invocation, render_options),
        (Format::Table, None) => render::systems::overview(&systems, &lessons, invocation, render_options),
        (Format::Markdown, Some(lesson)) => render::systems::as_markdown(&systems, lesson, render_options),
        (Format::Markdown, None) => render_options.text(&render::systems::page(&systems, &lessons)).into_owned(),
        (Format::Plain, _) => render::systems::as_plain(&systems, &lessons, render_options),
        (Format::Json, _) => render::systems::as_json(&systems, &lessons),
        (Format::Csv, _) => render::systems::as_csv(&systems, &lessons),
    })
}

/// `doctor`: what this machine can show.
pub(super) fn doctor(options: Options) -> Result<Status, Failure> {
    let json = table_or_json(options.format(), "doctor writes --format table or json")?;
    let render_options = options.render_options();
    let checkup = Checkup::new(&[
        ("width", "Width of the output", format!("{} columns", render_options.width)),
        ("terminal", "Output is a terminal", if io::stdout().is_terminal() { "yes" } else { "no" }.to_owned()),
        ("color", "Colour", if coloured() { "yes" } else { "no" }.to_owned()),
        ("locale", "Locale", locale().unwrap_or_else(|| "not set".to_owned())),
        ("utf8", "Characters drawn with", if render_options.ascii { "ASCII" } else { "UTF-8" }.to_owned()),
    ])?;
    print(&if json { doctor::json(&checkup) } else { doctor::table(&checkup, render_options) })?;
    checkup.loopback.map(|()| Status::AsExpected).map_err(Failure::from)
}

/// No command: what the program is, what it has, and what to do first.
pub(super) fn start(invocation: &Invocation, options: Options) -> Result<Status, Failure> {
    if options.format() != Format::Table {
        return Err(unsupported(options.format(), "the start page is --format table only; the lessons: udp-lab list"));
    }
    let render_options = options.render_options();
    let names = |lessons: &[&Lesson]| lessons.iter().map(|lesson| lesson.name).collect::<Vec<_>>().join(", ");
    let lessons: Vec<_> = PARTS.iter().map(|(part, lessons)| (*part, names(lessons))).collect();
    let programs = [("Two terminals, two machines", "server, client, relay")];
    let lessons = lessons.iter().map(|(part, names)| (*part, names.as_str()));
    let commands = table::beside(&lessons.chain(programs).collect::<Vec<_>>(), render_options);
    let about = render_options.wrap(ABOUT, "");
    let again = &invocation.again;
    write_text(&format!(
        "{about}\n\n{commands}\nThe first ten minutes:\n  {again} boundaries\n  {again} truncation --predict\n  \
         {again} server    in one terminal, and in another:\n  {again} client\n  \
         {again} find packets lost    your question, or an error\n\n\
         The question of each lesson: {again} list\nAll commands: {again} --help\n"
    ))
}

/// The lessons with their questions.
fn questions(lessons: &[&'static Lesson]) -> Vec<(&'static str, &'static str)> {
    lessons.iter().map(|lesson| (lesson.name, lesson.question)).collect()
}

/// `list`: the lessons.
pub(super) fn list(options: Options) -> Result<Status, Failure> {
    let render_options = options.render_options();
    let keys = ["lesson", "title", "question"];
    let lessons: Vec<_> = LESSONS.iter().map(|lesson| [lesson.name, lesson.title, lesson.question]).collect();
    write_text(&match options.format() {
        Format::Table => {
            let parts: Vec<_> = PARTS.iter().map(|(part, lessons)| (*part, questions(lessons))).collect();
            table::parts(&parts, render_options)
        }
        Format::Plain => plain::records(keys, &lessons, render_options),
        Format::Markdown => markdown::table(["Lesson", "Title", "Question"], &lessons, render_options),
        Format::Csv => csv::marked(csv::records([keys].into_iter().chain(lessons)), render_options),
        Format::Json => {
            let lessons = LESSONS
                .iter()
                .map(|lesson| json!({ "lesson": lesson.name, "title": lesson.title, "question": lesson.question }));
            json::pretty(&json!({ "schema": 1, "lessons": lessons.collect::<Vec<_>>() }))
        }
    })
}

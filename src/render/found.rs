//! What was found for somebody's question: the errors and options that it names, and the answers.

use serde_json::{Value, json};

use super::{Invocation, RenderOptions, json, table};
use crate::questions::{Answer, Found, Look};
use crate::vocabulary::{OptionName, Os, SocketError};

/// An answer, and why its row cannot be had on this machine, where it cannot.
pub type Reachable<'a> = (&'a Answer, Option<String>);

const INDENT: &str = "   ";

/// Numbered answers, best first, as many as so many `lines` have room for; where there is none, what to try.
pub fn text(
    found: &Found<'_>,
    answers: &[Reachable<'_>],
    invocation: &Invocation,
    options: RenderOptions,
    lines: Option<usize>,
) -> String {
    // The best one stands first: it is not to leave the screen when the prompt is back.
    let fits = |shown: &usize| {
        let length = with_the_best(*shown, found, answers, invocation, options).lines().count();
        lines.is_none_or(|lines| length < lines)
    };
    let shown = (1..=answers.len()).rev().find(fits).unwrap_or(1).min(answers.len());
    with_the_best(shown, found, answers, invocation, options)
}

fn with_the_best(
    shown: usize,
    found: &Found<'_>,
    answers: &[Reachable<'_>],
    invocation: &Invocation,
    options: RenderOptions,
) -> String {
    let named = found.errors.iter().map(|error| error_in_words(*error));
    let named: Vec<String> = named.chain(found.options.iter().map(|option| option_in_words(option))).collect();
    let mut parts: Vec<String> = Vec::new();
    let misspelt = found.misspelt.iter().map(|(typed, meant)| format!("\"{typed}\" is read as \"{meant}\"."));
    let misspelt = misspelt.collect::<Vec<_>>().join(" ");
    let nearest = match answers.is_empty() {
        false if found.is_nearest => nearest(&found.unknown),
        _ => String::new(),
    };
    let sentences = [misspelt, nearest].into_iter().filter(|sentence| !sentence.is_empty());
    parts.extend(sentences.map(|sentence| options.wrap(&sentence, "") + "\n"));
    if !named.is_empty() {
        parts.push(named.iter().map(|line| options.wrap(line, INDENT) + "\n").collect());
    }
    parts.extend(answers[..shown].iter().zip(1..).map(|(answer, number)| one(number, answer, invocation, options)));
    if shown < answers.len() {
        let more = format!("{} more in a higher window.", answers.len() - shown);
        parts.push(options.wrap(&more, "") + "\n");
    }
    let again = &invocation.again;
    let unknown = found.unknown.join(", ");
    let end = match (answers.is_empty(), unknown.as_str()) {
        (false, "") => None,
        (false, _) if found.is_nearest => None,
        (false, unknown) => Some(format!("Not found anywhere: {unknown}.")),
        (true, "") => Some(format!("No question here fits: try other words. All lessons: {again} list")),
        (true, unknown) => Some(format!(
            "Not found anywhere: {unknown}. Try fewer or other words, or the name or number of an error. All lessons: \
             {again} list"
        )),
    };
    parts.extend(end.map(|sentence| options.wrap(&sentence, "") + "\n"));
    parts.join("\n")
}

fn one(number: usize, (answer, missing): &Reachable<'_>, invocation: &Invocation, options: RenderOptions) -> String {
    let mut text = table::heading_under(&format!("{number}. {}", answer.heading), INDENT, options);
    // A command is pasted: it is never broken.
    text.push_str(&format!("{INDENT}{} {}\n", invocation.again, answer.command));
    let add = |line: String| {
        let wrapped = options.wrap(&format!("{INDENT}{line}"), INDENT);
        text.push_str(&wrapped);
        text.push('\n');
    };
    let named = [
        ("Row", answer.look.row()),
        ("Section", answer.look.section()),
        ("In short", answer.sentence.as_deref()),
        ("Not on this machine", missing.as_deref()),
    ];
    named.into_iter().filter_map(|(name, value)| Some(format!("{name}: {}", value?))).for_each(add);
    text
}

/// That no answer has all that was asked.
fn nearest(unknown: &[String]) -> String {
    match unknown {
        [] => "No question here is quite this one. The nearest answers:".to_owned(),
        [word] => format!("{word}: no lesson is about it. The nearest answers:"),
        words => format!("{}: no lesson is about them. The nearest answers:", words.join(", ")),
    }
}

/// What an error is, and how each system calls it.
fn error_in_words(error: SocketError) -> String {
    let on = |os: Os| format!("{} {}", os.name(), error.on(os));
    let names: Vec<String> = error.systems().map(on).collect();
    format!("{}: {}.", capital(error.words()), names.join(", "))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Which systems have an option.
fn option_in_words(option: &OptionName) -> String {
    let names = |has: bool| {
        let systems = Os::ALL.into_iter().filter(|os| option.number(*os).is_some() == has);
        systems.map(Os::name).collect::<Vec<_>>().join(", ")
    };
    let without = names(false);
    let without = if without.is_empty() { String::new() } else { format!("; not on {without}") };
    format!("{}: an option of sockets on {}{without}.", option.name, names(true))
}

/// The same for programs.
pub fn as_json(words: &str, found: &Found<'_>, answers: &[Reachable<'_>]) -> String {
    let errors = found.errors.iter().map(|error| {
        let on = |os: Os| json!({ "system": os, "name": error.on(os).name, "number": error.on(os).number });
        json!({ "words": error.words(), "systems": error.systems().map(on).collect::<Vec<_>>() })
    });
    let options = found.options.iter().map(|option| option.name);
    json::pretty(&json!({
        "schema": 1,
        "words": words,
        "errors": errors.collect::<Vec<_>>(),
        "options": options.collect::<Vec<_>>(),
        "misspelt": found.misspelt.iter().map(|(typed, meant)| json!({ "typed": typed, "meant": meant })).collect::<Vec<_>>(),
        "unknown": found.unknown,
        "nearest": found.is_nearest,
        "answers": answers.iter().map(answer_as_json).collect::<Vec<_>>(),
    }))
}

fn answer_as_json((answer, missing): &Reachable<'_>) -> Value {
    let (lesson, id) = match &answer.look {
        Look::Row(lesson, claim) => (Some(*lesson), Some(claim.id.as_str())),
        Look::Printed(_) | Look::Section(_) | Look::Screen => (None, None),
    };
    json!({
        "question": answer.heading,
        "command": format!("udp-lab {}", answer.command),
        "lesson": lesson,
        "id": id,
        "row": answer.look.row(),
        "section": answer.look.section(),
        "sentence": answer.sentence,
        "missing": missing,
    })
}

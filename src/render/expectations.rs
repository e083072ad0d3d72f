//! Claims before anything has run: the prediction sheet, and the page of all lessons.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Value, json};

use super::markdown::{escaped, head, row, scene_row};
use super::phrases::{TYPICAL, each_once, property};
use super::plain::Lines;
use super::sheet::{Notes, Sheet};
use super::table;
use super::{Invocation, RenderOptions, csv, json};
use crate::vocabulary::{Claim, Expect, Fact, Os, Prediction, Source, Strength};

/// What the mark behind a value means.
const UNCONFIRMED: &str = "? not confirmed: shown, not judged";

/// What the other mark behind a value means.
const OBSERVED: &str = "* also observed on such a system (udp-lab systems); else only documented";

/// What `any` means.
const MEASURED: &str = "any: measured, not judged";

/// From this width on three systems stand side by side; below they stand under one another.
const SIDE_BY_SIDE: u16 = 76;

fn sources(prediction: &Prediction, systems: &[Os]) -> Vec<&'static Source> {
    each_once(prediction.claims().flat_map(|claim| systems.iter().map(|os| claim.source_on(*os))))
}

/// What `text` takes from a claim's sources, those of one system alone marked with its name.
fn from_sources(claim: &Claim, systems: &[Os], text: fn(&Source) -> &'static str) -> String {
    let mark = systems.len() > 1;
    let texts = systems.iter().map(|os| match claim.source_on(*os) {
        own if mark && own != claim.source => format!("{}: {}", os.name(), text(own)),
        source => text(source).to_owned(),
    });
    each_once(texts).join("; ")
}

fn cited(claim: &Claim, systems: &[Os]) -> String {
    from_sources(claim, systems, |source| source.cite)
}

fn legend(prediction: &Prediction, systems: &[Os]) -> Vec<&'static str> {
    let typical = prediction.claims().any(is_typical);
    let mut expects = prediction.claims().flat_map(|claim| systems.iter().map(|os| claim.expected.on(*os)));
    let unconfirmed = expects.clone().any(|expect| matches!(expect, Expect::Unconfirmed(_)));
    let measured = expects.any(|expect| matches!(expect, Expect::Measured));
    let observed = prediction.observed.iter().any(|(_, os)| systems.contains(os));
    [(typical, TYPICAL), (unconfirmed, UNCONFIRMED), (observed, OBSERVED), (measured, MEASURED)]
        .into_iter()
        .filter(|(there, _)| *there)
        .map(|(_, text)| text)
        .collect()
}

pub(super) fn is_measured(claim: &Claim) -> bool {
    Os::ALL.iter().all(|os| matches!(claim.expected.on(*os), Expect::Measured | Expect::Absent(_)))
}

fn is_typical(claim: &Claim) -> bool {
    claim.strength == Strength::Typical && !is_measured(claim)
}

/// What is expected, marked where it was observed on such a system.
fn marked(prediction: &Prediction, claim: &Claim, os: Os) -> String {
    let mark = if prediction.was_observed(&claim.id, os) { " *" } else { "" };
    format!("{}{mark}", claim.expected.on(os))
}

fn reason(expect: &Expect) -> Option<&'static str> {
    match expect {
        Expect::Absent(reason) => Some(reason),
        Expect::Is(_) | Expect::Measured | Expect::Unconfirmed(_) => None,
    }
}

/// One lesson for the terminal: on one system, or on all.
///
/// With `blank` the values are left out: for the class to fill in before the run.
pub fn sheet(
    prediction: &Prediction,
    os: Option<Os>,
    blank: bool,
    invocation: &Invocation,
    options: RenderOptions,
) -> String {
    let systems = systems(os);
    let reasons = prediction.claims().flat_map(|claim| systems.iter().map(|os| claim.expected.on(*os)));
    let notes = Notes::of(reasons.filter_map(reason).filter(|_| !blank).map(str::to_owned));
    let value = |claim: &Claim, os: Os| {
        if blank {
            return String::new();
        }
        notes.marked(&marked(prediction, claim, os), reason(claim.expected.on(os)))
    };

    let mut text = table::heading(&format!("{}: {}", prediction.lesson, prediction.question), options);
    text.push('\n');
    let side_by_side = options.width >= SIDE_BY_SIDE && os.is_none();
    let mut header = vec!["Property"];
    match os {
        _ if side_by_side => header.extend(Os::ALL.map(Os::name)),
        Some(os) => header.push(os.name()),
        None => header.push("Expected"),
    }
    let mut drawn = Sheet::new(options, &header);
    for scene in &prediction.scenes {
        drawn.scene(&scene.title);
        for claim in &scene.claims {
            let shown = drawn.cell(&property(&claim.property, claim.strength, is_measured(claim)));
            if side_by_side {
                let [linux, macos, windows] = Os::ALL.map(|os| drawn.cell(&value(claim, os)));
                drawn.row([shown, linux, macos, windows]);
            } else {
                let values: Vec<String> = systems.iter().map(|os| value(claim, *os)).collect();
                let same = values.iter().all(|value| *value == values[0]);
                let named = systems.iter().zip(&values).map(|(os, value)| format!("{}: {value}", os.name()));
                let cell = if same { values[0].clone() } else { named.collect::<Vec<_>>().join("\n") };
                drawn.row([shown, drawn.cell(&cell)]);
            }
        }
    }
    table::line(&mut text, &drawn.finish(1..header.len()));
    if !blank {
        for legend in legend(prediction, &systems) {
            table::line(&mut text, &options.wrap(legend, ""));
        }
        text.push_str(&notes.lines(options));
        text.push_str("\nSources:\n");
        for source in sources(prediction, &systems) {
            table::line(&mut text, &options.wrap(&format!("- {source}: {}.", source.says), "  "));
        }
    }
    if options.why && !blank {
        text.push('\n');
        table::line(&mut text, &options.wrap(&format!("Why: {}", prediction.why), ""));
    }
    table::line(&mut text, &format!("\nNow run it: {} {}", invocation.again, prediction.lesson));
    text
}

#[derive(Serialize)]
struct ClaimValue<'a> {
    scene: &'a str,
    id: &'a str,
    property: &'a str,
    strength: Strength,
    expected: Value,
    source: String,
    says: String,
}

/// One lesson as JSON, schema 1.
pub fn as_json(prediction: &Prediction, os: Option<Os>) -> String {
    let systems = systems(os);
    let value = |claim: &Claim, os: Os| match claim.expected.on(os) {
        expect @ (Expect::Is(fact) | Expect::Unconfirmed(fact)) => json!({
            "text": fact.to_string(),
            "value": Fact::value(fact),
            "judged": matches!(expect, Expect::Is(_)),
            "observed": prediction.was_observed(&claim.id, os),
        }),
        Expect::Measured => json!({ "text": "any", "judged": false }),
        Expect::Absent(reason) => json!({ "text": "-", "judged": false, "reason": reason }),
    };
    let claims = claims(prediction).map(|(scene, claim)| ClaimValue {
        scene,
        id: &claim.id,
        property: &claim.property,
        strength: claim.strength,
        expected: systems.iter().map(|os| (os.name().to_lowercase(), value(claim, *os))).collect(),
        source: cited(claim, &systems),
        says: from_sources(claim, &systems, |source| source.says),
    });
    let claims: Vec<_> = claims.collect();
    json::pretty(
        &json!({ "schema": 1, "lesson": prediction.lesson, "question": prediction.question, "claims": claims }),
    )
}

/// Every claim with the title of its scene.
fn claims(prediction: &Prediction) -> impl Iterator<Item = (&str, &Claim)> {
    prediction.scenes.iter().flat_map(|scene| scene.claims.iter().map(|claim| (scene.title.as_str(), claim)))
}

/// The systems that are shown: the one asked for, or all.
fn systems(os: Option<Os>) -> Vec<Os> {
    os.map_or_else(|| Os::ALL.to_vec(), |os| vec![os])
}

/// What is expected, with the reason where it cannot be; empty for the class to fill in.
fn value(claim: &Claim, os: Os, blank: bool) -> String {
    match claim.expected.on(os) {
        _ if blank => String::new(),
        Expect::Absent(reason) => format!("absent: {reason}"),
        expect => expect.to_string(),
    }
}

/// The systems of `systems` on which the answer was observed as expected; empty for the class to fill in.
fn observed_on(prediction: &Prediction, claim: &Claim, systems: &[Os], blank: bool) -> String {
    let observed = systems.iter().filter(|os| !blank && prediction.was_observed(&claim.id, **os));
    observed.map(|os| os.name()).collect::<Vec<_>>().join(" ")
}

/// One lesson as lines `key: value`.
pub fn as_plain(prediction: &Prediction, os: Option<Os>, blank: bool, options: RenderOptions) -> String {
    let systems = systems(os);
    let mut lines = Lines::new(options);
    lines.line("lesson", prediction.lesson);
    lines.line("title", prediction.title);
    lines.line("question", prediction.question);
    let mut scene = "";
    for (title, claim) in claims(prediction) {
        lines.group();
        if scene != title {
            scene = title;
            lines.line("scene", scene);
        }
        lines.line("property", &claim.property);
        for os in &systems {
            lines.line(&format!("expected on {}", os.name()), &value(claim, *os, blank));
        }
        lines.line("observed on", &observed_on(prediction, claim, &systems, blank));
        lines.line("strength", claim.strength.word());
        lines.line("source", &cited(claim, &systems));
        lines.line("id", &claim.id);
    }
    lines.text
}

/// One lesson as comma-separated values.
pub fn as_csv(prediction: &Prediction, os: Option<Os>, blank: bool) -> String {
    let systems = systems(os);
    let columns = systems.iter().map(|os| os.name().to_lowercase());
    let header = ["lesson", "scene", "id", "property", "strength"].map(str::to_owned).into_iter();
    let header: Vec<String> = header.chain(columns).chain(["source", "observed"].map(str::to_owned)).collect();
    let rows = claims(prediction).map(|(scene, claim)| {
        let row = [prediction.lesson, scene, &claim.id, &claim.property, claim.strength.word()].map(str::to_owned);
        let values = systems.iter().map(|os| value(claim, *os, blank));
        let observed = observed_on(prediction, claim, &systems, blank);
        row.into_iter().chain(values).chain([cited(claim, &systems), observed]).collect()
    });
    csv::records([header].into_iter().chain(rows))
}

/// One lesson in Markdown.
pub fn as_markdown(prediction: &Prediction, os: Option<Os>, blank: bool, options: RenderOptions) -> String {
    let systems = systems(os);
    let mut page = format!("# {}", section(prediction, &systems, blank));
    if !blank {
        for legend in legend(prediction, &systems) {
            let _ = writeln!(page, "\n{}", escaped(legend));
        }
        if options.why {
            let _ = writeln!(page, "\n**Why:** {}", escaped(prediction.why));
        }
        let _ = write!(page, "\n## Sources\n\n{}", list(&sources(prediction, &systems)));
    }
    options.text(&page).into_owned()
}

/// The page of all lessons, in Markdown.
pub fn page(lessons: &[Prediction]) -> String {
    let mut page = String::from(
        "# What each lesson expects\n\nWritten by the tests from the claims in `src/lessons`, with each lesson's own \
         parameters, and from [the records](systems.md): `UPDATE_PAGES=1 cargo test --test main registry::`. `udp-lab expect \
         LESSON` shows the same for the parameters that you give.\n\n",
    );
    let _ = writeln!(page, "{TYPICAL}; {UNCONFIRMED}; {MEASURED}; {}.", escaped(OBSERVED));
    page.push_str(
        "\nA Linux manual page speaks for Linux only, and POSIX does not speak for Windows. Where no other source is \
         named for macOS or Windows, the answer there is expected to be the same, and that document does not promise it.\n",
    );
    for prediction in lessons {
        let _ = write!(page, "\n## {}", section(prediction, &Os::ALL, false));
    }
    let _ = write!(
        page,
        "\n## Sources\n\n{}",
        list(&each_once(lessons.iter().flat_map(|lesson| sources(lesson, &Os::ALL))))
    );
    page
}

/// A lesson's title, question and claims; the heading's level is the caller's.
fn section(prediction: &Prediction, systems: &[Os], blank: bool) -> String {
    let titles: Vec<&str> =
        ["Property"].into_iter().chain(systems.iter().map(|os| os.name())).chain(["Source"]).collect();
    let mut text =
        format!("{}: {}\n\n{}\n\n", prediction.lesson, prediction.title, prediction.question) + &head(&titles);
    let mut scene = "";
    for (title, claim) in claims(prediction) {
        if scene != title {
            scene = title;
            text.push_str(&scene_row(scene, titles.len()));
        }
        let shown = escaped(&property(&claim.property, claim.strength, is_measured(claim)));
        let values = systems.iter().map(|os| match claim.expected.on(*os) {
            Expect::Measured if !blank => "*any*".to_owned(),
            Expect::Absent(reason) if !blank => format!("- ({})", escaped(reason)),
            _ if blank => String::new(),
            _ => escaped(&marked(prediction, claim, *os)),
        });
        text.push_str(&row([shown].into_iter().chain(values).chain([escaped(&cited(claim, systems))])));
    }
    text
}

fn list(sources: &[&Source]) -> String {
    sources.iter().map(|source| format!("- {}: {}.\n", escaped(source.cite), escaped(source.says))).collect()
}

//! Claims before anything has run: the prediction sheet, and the page of all lessons.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Value, json};

use super::sheet::{Notes, Sheet};
use super::table::{self, USUAL};
use super::{Look, json};
use crate::vocabulary::{Claim, Expect, Fact, Os, Prediction, Source, Strength};

/// What the mark behind a value means.
const UNCONFIRMED: &str = "? confirmed by nobody: shown, not judged";

/// What `any` means.
const MEASURED: &str = "any: measured, not judged";

/// From this width on three systems stand side by side; below they stand under one another.
const SIDE_BY_SIDE: u16 = 76;

fn sources(prediction: &Prediction) -> Vec<&'static Source> {
    let mut sources: Vec<&'static Source> = Vec::new();
    for (_, claim) in &prediction.claims {
        if !sources.contains(&claim.source) {
            sources.push(claim.source);
        }
    }
    sources
}

fn legend(prediction: &Prediction, systems: &[Os]) -> Vec<&'static str> {
    let usual = prediction.claims.iter().any(|(_, claim)| is_usual(claim));
    let mut expects = prediction.claims.iter().flat_map(|(_, claim)| systems.iter().map(|os| claim.expected.on(*os)));
    let unconfirmed = expects.clone().any(|expect| matches!(expect, Expect::Unconfirmed(_)));
    let measured = expects.any(|expect| matches!(expect, Expect::Measured));
    [(usual, USUAL), (unconfirmed, UNCONFIRMED), (measured, MEASURED)]
        .into_iter()
        .filter(|(there, _)| *there)
        .map(|(_, text)| text)
        .collect()
}

fn is_measured(claim: &Claim) -> bool {
    Os::ALL.iter().all(|os| matches!(claim.expected.on(*os), Expect::Measured | Expect::Absent(_)))
}

fn is_usual(claim: &Claim) -> bool {
    claim.strength == Strength::Usual && !is_measured(claim)
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
pub fn sheet(prediction: &Prediction, os: Option<Os>, blank: bool, look: Look) -> String {
    let systems: Vec<Os> = os.map_or_else(|| Os::ALL.to_vec(), |os| vec![os]);
    let reasons = prediction.claims.iter().flat_map(|(_, claim)| systems.iter().map(|os| claim.expected.on(*os)));
    let notes = Notes::of(reasons.filter_map(reason).filter(|_| !blank).map(str::to_owned));
    let value = |claim: &Claim, os: Os| {
        if blank {
            return String::new();
        }
        let expect = claim.expected.on(os);
        notes.marked(&expect.to_string(), reason(expect))
    };

    let mut text = table::heading(&format!("{}: {}", prediction.lesson, prediction.title), look);
    table::line(&mut text, &look.wrap(prediction.question, ""));
    text.push('\n');
    let side_by_side = look.width >= SIDE_BY_SIDE && os.is_none();
    let mut header = vec!["Property"];
    match os {
        _ if side_by_side => header.extend(Os::ALL.map(Os::name)),
        Some(os) => header.push(os.name()),
        None => header.push("Expected"),
    }
    let mut drawn = Sheet::new(look, &header);
    for (scene, claim) in &prediction.claims {
        drawn.scene(scene);
        let property = drawn.cell(&table::property(&claim.property, claim.strength, is_measured(claim)));
        if side_by_side {
            let [linux, macos, windows] = Os::ALL.map(|os| drawn.cell(&value(claim, os)));
            drawn.row([property, linux, macos, windows]);
        } else {
            let values: Vec<String> = systems.iter().map(|os| value(claim, *os)).collect();
            let same = values.iter().all(|value| *value == values[0]);
            let named = systems.iter().zip(&values).map(|(os, value)| format!("{}: {value}", os.name()));
            let cell = if same { values[0].clone() } else { named.collect::<Vec<_>>().join("\n") };
            drawn.row([property, drawn.cell(&cell)]);
        }
    }
    table::line(&mut text, &drawn.finish(1..header.len()));
    if !blank {
        for legend in legend(prediction, &systems) {
            table::line(&mut text, legend);
        }
        text.push_str(&notes.lines(look));
        text.push_str("\nSources:\n");
        for source in sources(prediction) {
            table::line(&mut text, &look.wrap(&format!("- {source}: {}.", source.says), "  "));
        }
    }
    table::line(&mut text, &format!("\nNow run it: udp-lab {}", prediction.lesson));
    text
}

#[derive(Serialize)]
struct ClaimValue<'a> {
    scene: &'a str,
    id: &'a str,
    property: &'a str,
    strength: Strength,
    expected: Value,
    source: &'a str,
    says: &'a str,
}

/// One lesson as JSON, schema 1.
pub fn as_json(prediction: &Prediction, os: Option<Os>) -> String {
    let systems: Vec<Os> = os.map_or_else(|| Os::ALL.to_vec(), |os| vec![os]);
    let value = |expect: &Expect| match expect {
        Expect::Is(fact) => json!({ "text": fact.to_string(), "value": fact.value(), "judged": true }),
        Expect::Unconfirmed(fact) => json!({ "text": fact.to_string(), "value": Fact::value(fact), "judged": false }),
        Expect::Measured => json!({ "text": "any", "judged": false }),
        Expect::Absent(reason) => json!({ "text": "-", "judged": false, "reason": reason }),
    };
    let claims = prediction.claims.iter().map(|(scene, claim)| ClaimValue {
        scene,
        id: &claim.id,
        property: &claim.property,
        strength: claim.strength,
        expected: systems.iter().map(|os| (os.name().to_lowercase(), value(claim.expected.on(*os)))).collect(),
        source: claim.source.cite,
        says: claim.source.says,
    });
    let claims: Vec<_> = claims.collect();
    json::pretty(
        &json!({ "schema": 1, "lesson": prediction.lesson, "question": prediction.question, "claims": claims }),
    )
}

/// The page of all lessons, in Markdown.
pub fn page(lessons: &[Prediction]) -> String {
    let mut page = String::from(
        "# What each lesson expects\n\nWritten by the tests from the claims in `src/lessons`, with each lesson's own \
         parameters: `UPDATE_PAGES=1 cargo test --test registry`. `udp-lab expect LESSON` shows the same for the parameters \
         that you give.\n\n",
    );
    let _ = writeln!(page, "{USUAL}; {UNCONFIRMED}; {MEASURED}.");
    for prediction in lessons {
        let _ = writeln!(page, "\n## {}: {}\n\n{}\n", prediction.lesson, prediction.title, prediction.question);
        let _ = writeln!(page, "| Property | Linux | macOS | Windows | Source |\n|---|---|---|---|---|");
        let mut scene = "";
        for (title, claim) in &prediction.claims {
            if scene != title {
                scene = title;
                let _ = writeln!(page, "| **{}** | | | | |", escaped(scene));
            }
            let values = Os::ALL.map(|os| match claim.expected.on(os) {
                Expect::Measured => "*any*".to_owned(),
                Expect::Absent(reason) => format!("- ({})", escaped(reason)),
                expect => escaped(&expect.to_string()),
            });
            let property = table::property(&claim.property, claim.strength, is_measured(claim));
            let _ =
                writeln!(page, "| {} | {} | {} |", escaped(&property), values.join(" | "), escaped(claim.source.cite));
        }
    }
    let _ = writeln!(page, "\n## Sources\n");
    let mut seen: Vec<&Source> = Vec::new();
    for source in lessons.iter().flat_map(sources) {
        if !seen.contains(&source) {
            seen.push(source);
            let _ = writeln!(page, "- {}: {}.", escaped(source.cite), escaped(source.says));
        }
    }
    page
}

/// Text that Markdown takes for text, also in a cell of a table.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '|' | '*' | '_' | '`' | '<' | '[' | ']' | '~' | '#') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
